;; Accesses of one index with several constant offsets. Those of `loads` and `ends` need one check in
;; optimized code; in the others, something that can be observed comes between them.
(module
  (import "env" "called" (func $called))
  (memory (export "memory") 0)
  (global $count (export "count") (mut i32) (i32.const 0))

  (func (export "loads") (param $at i32) (result i64)
    (i64.add
      (i64.add (i64.load (local.get $at)) (i64.load offset=8 (local.get $at)))
      (i64.add (i64.load offset=24 (local.get $at)) (i64.load offset=16 (local.get $at)))))

  ;; The last byte decides, whichever access it belongs to.
  (func (export "ends") (param $at i32) (result i32)
    (i32.add
      (i32.load offset=12 (local.get $at))
      (i32.add (i32.load8_u offset=15 (local.get $at)) (i32.load16_u offset=13 (local.get $at)))))

  ;; What is stored before the access that traps stays, and what follows does not happen.
  (func (export "stores") (param $at i32) (param $value i64)
    (i64.store (local.get $at) (local.get $value))
    (i64.store offset=8 (local.get $at) (local.get $value))
    (i64.store offset=16 (local.get $at) (local.get $value)))

  (func (export "load_store") (param $at i32) (param $value i32) (result i32)
    (local $sum i32)
    (local.set $sum (i32.load (local.get $at)))
    (i32.store offset=4 (local.get $at) (local.get $value))
    (i32.add (local.get $sum) (i32.load offset=8 (local.get $at))))

  (func (export "load_set_load") (param $at i32) (result i32)
    (local $sum i32)
    (local.set $sum (i32.load (local.get $at)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.add (local.get $sum) (i32.load offset=4 (local.get $at))))

  (func (export "load_call_load") (param $at i32) (result i32)
    (local $sum i32)
    (local.set $sum (i32.load (local.get $at)))
    (call $called)
    (i32.add (local.get $sum) (i32.load offset=4 (local.get $at))))

  (func (export "load_divide_load") (param $at i32) (param $divisor i32) (result i32)
    (i32.add
      (i32.div_u (i32.load (local.get $at)) (local.get $divisor))
      (i32.load offset=4 (local.get $at))))

  ;; V8 unrolls it; the index does not wrap.
  (func (export "sum") (param $at i32) (param $count i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $sum))

  ;; Sums of index and offset beyond 2^32, which must not wrap around.
  (func (export "wraps") (param $at i32) (result i32)
    (i32.add
      (i32.load offset=8 (local.get $at))
      (i32.load offset=0xfffffff0 (local.get $at)))))
