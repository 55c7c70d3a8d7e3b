;; A program with a memory of its own, from address 0 on, and host windows from address 0x80000000 on.
(module
  (import "rawmem" "next" (func $next (param $window i32) (param $consumed i32) (result i32)))
  (memory (export "memory") 1 8)
  (data (i32.const 1024) "statics")

  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "load_i64") (param i32) (result i64) (i64.load (local.get 0)))
  ;; Constant offsets count as part of the address.
  (func (export "load_behind") (param i32) (result i32)
    (i32.load8_u offset=0x10000000 (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "store_i64") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))

  ;; The byte at an address before the window moves, and after it.
  (func (export "around_next") (param $address i32) (result i32) (local $before i32)
    (local.set $before (i32.load8_u (local.get $address)))
    (drop (call $next (i32.const 0) (i32.const -1)))
    (i32.add
      (i32.mul (local.get $before) (i32.const 256))
      (i32.load8_u (local.get $address))))

  ;; The sum of all bytes that window 0 shows, kept at address 16.
  (func (export "sum") (result i64) (local $length i32) (local $at i32)
    (i64.store (i32.const 16) (i64.const 0))
    (loop $chunks
      (local.set $length (call $next (i32.const 0) (i32.const -1)))
      (if (local.get $length) (then
        (local.set $at (i32.const 0))
        (loop $bytes
          (i64.store (i32.const 16)
            (i64.add
              (i64.load (i32.const 16))
              (i64.load8_u (i32.add (i32.const 0x80000000) (local.get $at)))))
          (br_if $bytes (i32.lt_u
            (local.tee $at (i32.add (local.get $at) (i32.const 1)))
            (local.get $length))))
        (br $chunks))))
    (i64.load (i32.const 16))))
