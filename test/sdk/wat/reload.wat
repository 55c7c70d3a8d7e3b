;; A memory of fixed size, so that without the code-generation patch its start and size count as
;; constants. The import `next` points the memory at the next window. Each function calls it in
;; another way and then looks at the memory; the i32 at address 0 of window n is n.
(module
  (type $void (func))
  (import "env" "next" (func $next))
  ;; Points at the next window, then throws.
  (import "env" "next_and_throw" (func $next_and_throw))
  (memory (export "memory") 1 1)
  (table $functions 4 4 funcref)
  (elem (i32.const 0) $next $call_next $call_next_twice $nothing)

  (func $nothing)
  (func $call_next (call $next))
  (func $call_next_twice (call $call_next) (call $next))
  (func $value (result i32) (i32.load (i32.const 0)))
  ;; Digits of a decimal number: what was seen, in order.
  (func $append (param $seen i32) (param $value i32) (result i32)
    (i32.add (i32.mul (local.get $seen) (i32.const 10)) (local.get $value)))

  (func (export "load") (param $address i32) (result i32) (i32.load (local.get $address)))
  (func (export "size") (result i32) (memory.size))

  ;; Once, in one block. 12
  (func (export "straight") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (call $next)
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; The load at the end of the loop's body. 234
  (func (export "loop") (result i32)
    (local $i i32) (local $seen i32)
    (loop $again
      (call $next)
      (local.set $seen (call $append (local.get $seen) (i32.load (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (local.get $seen))

  ;; The load at the head of the loop, the call at its end. 123
  (func (export "loop_head") (result i32)
    (local $i i32) (local $seen i32)
    (loop $again
      (local.set $seen (call $append (local.get $seen) (i32.load (i32.const 0))))
      (call $next)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (local.get $seen))

  ;; A loop that only reads, inside one that switches. 22222333334444
  (func (export "nested_loops") (result i64)
    (local $i i32) (local $j i32) (local $seen i64)
    (loop $outer
      (call $next)
      (local.set $j (i32.const 0))
      (loop $inner
        (local.set $seen
          (i64.add (i64.mul (local.get $seen) (i64.const 10)) (i64.load32_u (i32.const 0))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $inner (i32.lt_u (local.get $j) (i32.const 4))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $i) (i32.const 3))))
    (local.get $seen))

  ;; Only one arm switches; the load comes after both. 12 with 1, 11 with 0
  (func (export "branch") (param $switch i32) (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (if (local.get $switch) (then (call $next)) (else (call $nothing)))
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; A callee switches: small enough to be inlined. 13
  (func (export "callee") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (call $call_next_twice)
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; The caller switches, a callee looks. 12
  (func (export "callee_loads") (result i32)
    (local $seen i32)
    (local.set $seen (call $value))
    (call $next)
    (call $append (local.get $seen) (call $value)))

  ;; A callee that does both, in a loop. 234
  (func $next_value (result i32) (call $next) (i32.load (i32.const 0)))
  (func (export "callee_loop") (result i32)
    (local $i i32) (local $seen i32)
    (loop $again
      (local.set $seen (call $append (local.get $seen) (call $next_value)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (local.get $seen))

  ;; A callee that leaves by a tail call, to the import and to a function. 13
  (func $tail_call_import (return_call $next))
  (func $tail_call_function (return_call $call_next))
  (func (export "tail_calls") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (call $tail_call_import)
    (call $tail_call_function)
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; Through the table: 0 the import, 1 and 2 functions, 3 a function that does not switch.
  ;; 12, 12, 13, 11
  (func (export "indirect") (param $function i32) (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (call_indirect (type $void) (local.get $function))
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; Windows are switched on the way down, read on the way up: all read the last. 55555 with 4
  (func $descend (export "recursion") (param $depth i32) (result i32)
    (if (result i32) (local.get $depth)
      (then
        (call $next)
        (call $append
          (call $descend (i32.sub (local.get $depth) (i32.const 1)))
          (i32.load (i32.const 0))))
      (else (i32.load (i32.const 0)))))

  ;; A store goes to the new window, none to the old.
  (func (export "store") (param $value i32)
    (i32.store (i32.const 4) (local.get $value))
    (call $next)
    (i32.store (i32.const 4) (i32.add (local.get $value) (i32.const 1))))

  ;; memory.size before and after, in decimal digits.
  (func (export "sizes") (result i32)
    (local $seen i32)
    (local.set $seen (memory.size))
    (call $next)
    (call $append (local.get $seen) (memory.size)))

  ;; An address that one window has and the other has not.
  (func (export "load_after_next") (param $address i32) (result i32)
    (drop (i32.load (i32.const 0)))
    (call $next)
    (i32.load (local.get $address)))

  ;; Bulk operations of constant length are inlined, others are not.
  (func (export "fill") (param $length i32)
    (memory.fill (i32.const 8) (i32.const 0xaa) (i32.const 16))
    (memory.fill (i32.const 64) (i32.const 0xaa) (local.get $length))
    (call $next)
    (memory.fill (i32.const 8) (i32.const 0xbb) (i32.const 16))
    (memory.fill (i32.const 64) (i32.const 0xbb) (local.get $length)))
  (func (export "copy") (param $length i32)
    (memory.copy (i32.const 8) (i32.const 0) (i32.const 4))
    (memory.copy (i32.const 64) (i32.const 0) (local.get $length))
    (call $next)
    (memory.copy (i32.const 8) (i32.const 0) (i32.const 4))
    (memory.copy (i32.const 64) (i32.const 0) (local.get $length)))

  ;; 12
  (func (export "simd") (result i32)
    (local $seen i32)
    (local.set $seen (i32x4.extract_lane 0 (v128.load (i32.const 0))))
    (call $next)
    (call $append (local.get $seen) (i32x4.extract_lane 0 (v128.load (i32.const 0)))))

  ;; 12
  (func (export "atomic") (result i32)
    (local $seen i32)
    (local.set $seen (i32.atomic.load (i32.const 0)))
    (call $next)
    (call $append (local.get $seen) (i32.atomic.rmw.add (i32.const 0) (i32.const 0))))

  ;; The load in the handler, after it, and in the block that did not throw. 122
  (func (export "catch") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (try
      (do (call $next_and_throw))
      (catch_all
        (local.set $seen (call $append (local.get $seen) (i32.load (i32.const 0))))))
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; The same, thrown out of callees. 122
  (func $throw_next (call $next_and_throw))
  (func $throw_next_deeper (call $throw_next))
  (func (export "catch_from_callee") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (try
      (do (call $throw_next_deeper))
      (catch_all
        (local.set $seen (call $append (local.get $seen) (i32.load (i32.const 0))))))
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; Caught in a callee; the caller looks. 12
  (func $catch_inside (try (do (call $next_and_throw)) (catch_all)))
  (func (export "caught_in_callee") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (call $catch_inside)
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; Thrown in a loop. 234
  (func (export "catch_in_loop") (result i32)
    (local $i i32) (local $seen i32)
    (loop $again
      (try (do (call $throw_next)) (catch_all))
      (local.set $seen (call $append (local.get $seen) (i32.load (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (local.get $seen)))
