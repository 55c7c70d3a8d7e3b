;; Private memory 0 for state, host data in memories 1 and 2, all of fixed size. `next` points the
;; memory whose index it is given at its next window. The i32 at address 0 of window n is n.
(module
  (import "env" "next" (func $next (param $memory i32)))
  (memory (export "private") 1 1)
  (memory (export "left") 1 1)
  (memory (export "right") 1 1)
  (data (memory 0) (i32.const 1024) "private")

  (func $call_next (param $memory i32) (call $next (local.get $memory)))

  (func (export "load0") (param i32) (result i32) (i32.load8_u 0 (local.get 0)))
  (func (export "load1") (param i32) (result i32) (i32.load8_u 1 (local.get 0)))
  (func (export "load2") (param i32) (result i32) (i32.load8_u 2 (local.get 0)))
  (func (export "store1") (param i32 i32) (i32.store8 1 (local.get 0) (local.get 1)))
  (func (export "size0") (result i32) (memory.size 0))
  (func (export "size1") (result i32) (memory.size 1))
  (func (export "size2") (result i32) (memory.size 2))
  (func (export "grow1") (param i32) (result i32) (memory.grow 1 (local.get 0)))

  ;; One loop over all three: sum(left * right) into memory 0, where the count lies, too.
  (func (export "mixed") (param $rounds i32) (result i32)
    (i32.store 0 (i32.const 0) (i32.const 0))
    (i32.store 0 (i32.const 4) (local.get $rounds))
    (loop $again
      (i32.store 0 (i32.const 0)
        (i32.add
          (i32.load 0 (i32.const 0))
          (i32.mul (i32.load 1 (i32.const 0)) (i32.load 2 (i32.const 0)))))
      (call $next (i32.const 1))
      (i32.store 0 (i32.const 0)
        (i32.add
          (i32.load 0 (i32.const 0))
          (i32.mul (i32.load 1 (i32.const 0)) (i32.load 2 (i32.const 0)))))
      (call $call_next (i32.const 2))
      (i32.store 0 (i32.const 4) (i32.sub (i32.load 0 (i32.const 4)) (i32.const 1)))
      (br_if $again (i32.load 0 (i32.const 4))))
    (i32.load 0 (i32.const 0)))

  ;; memory.size of one memory before and after its switch, in decimal digits.
  (func (export "sizes") (result i32)
    (local $seen i32)
    (local.set $seen (memory.size 1))
    (call $next (i32.const 1))
    (i32.add (i32.mul (local.get $seen) (i32.const 10)) (memory.size 1)))

  ;; Between memories, with lengths that are inlined and that are not.
  (func (export "copy12_inline") (param $to i32) (param $from i32)
    (memory.copy 2 1 (local.get $to) (local.get $from) (i32.const 16)))
  (func (export "copy12") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy 2 1 (local.get $to) (local.get $from) (local.get $length)))
  (func (export "copy01") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy 1 0 (local.get $to) (local.get $from) (local.get $length))))
