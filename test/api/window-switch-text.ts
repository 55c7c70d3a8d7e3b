/**
 * The module of window-switch.ts, in Binaryen's text format as it knows call_ref. All functions read from window to window,
 * each calling the import in another way.
 *
 * @param memory The index of the memory that the windows are shown in.
 */
export const windowSwitchText = (memory: 0 | 1): string => `(module
  (type $next (func (result i32)))
  (type $callee (func (param i32) (result i32)))
  (import "env" "next" (func $next (result i32)))
  (import "env" "throw" (func $throw))
  ${memory === 1 ? '(memory $other 1 1)' : ''}
  (memory $m 1 1)
  (tag $tag)
  (table $table 2 2 funcref)
  (elem (i32.const 0) $next $callee)
  (elem declare func $next $callee)
  (global $g (mut i32) (i32.const 0))

  (func $callee (type $callee)
    (drop (call $next))
    (i32.load8_u $m (local.get 0)))

  (func $deep (type $callee)
    (i32.add (i32.load8_u $m (local.get 0)) (i32.mul (i32.const 1000) (call $callee (local.get 0)))))

  (func (export "direct") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "constant") (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (i32.const 7)))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (i32.const 7)))))

  (func (export "loop") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (i32.load8_u $m (i32.const 5))))
      (drop (call $next))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Reads the whole window, then maps the next: the shape of every scan.
  (func (export "scan") (param $n i32) (result i64)
    (local $sum i64) (local $length i32) (local $at i32)
    (local.set $length (call $next))
    (loop $window
      (local.set $at (i32.const 0))
      (loop $byte
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u $m (local.get $at))))
        (br_if $byte (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
      (local.set $length (call $next))
      (br_if $window (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; The call is in one branch only.
  (func (export "branch") (param $which i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (i32.const 9)))
    (if (local.get $which) (then (drop (call $next))) (else (global.set $g (i32.const 1))))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (i32.const 9)))))

  (func (export "callee") (param $at i32) (result i32)
    (i32.add (i32.load8_u $m (local.get $at)) (i32.mul (i32.const 1000) (call $callee (local.get $at)))))

  (func (export "afterCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call $callee (local.get $at)))
    (i32.load8_u $m (local.get $at)))

  (func (export "deep") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call $deep (local.get $at)))
    (i32.load8_u $m (local.get $at)))

  (func (export "indirect") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (drop (call_indirect $table (type $next) (i32.const 0)))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "indirectCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call_indirect $table (type $callee) (local.get $at) (i32.const 1)))
    (i32.load8_u $m (local.get $at)))

  (func (export "reference") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (drop (call_ref $next (ref.func $next)))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "referenceCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call_ref $callee (local.get $at) (ref.func $callee)))
    (i32.load8_u $m (local.get $at)))

  (func (export "caught") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (block $done
      (block $handler (try_table (catch_all $handler) (call $throw)) (br $done)))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "size") (result i32)
    (local $before i32)
    (local.set $before (memory.size $m))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (memory.size $m))))

  ;; The last byte of the next window, and one more.
  (func (export "last") (result i32)
    (local $length i32)
    (drop (i32.load8_u $m (i32.const 0)))
    (local.set $length (call $next))
    (i32.load8_u $m (i32.sub (local.get $length) (i32.const 1))))
  (func (export "beyond") (result i32)
    (local $length i32)
    (drop (i32.load8_u $m (i32.const 0)))
    (local.set $length (call $next))
    (i32.load8_u $m (local.get $length)))

  (func (export "store") (param $at i32) (param $value i32)
    (i32.store8 $m (local.get $at) (i32.load8_u $m (local.get $at)))
    (drop (call $next))
    (i32.store8 $m (local.get $at) (local.get $value)))

  (func (export "bulk") (param $at i32)
    (i32.store8 $m (local.get $at) (i32.load8_u $m (local.get $at)))
    (drop (call $next))
    (memory.fill $m (local.get $at) (i32.const 250) (i32.const 3))
    (memory.copy $m $m (i32.add (local.get $at) (i32.const 8)) (local.get $at) (i32.const 3)))

  (func (export "simd") (param $at i32) (result i32)
    (local $before v128)
    (local.set $before (v128.load $m (local.get $at)))
    (drop (call $next))
    (i32.add
      (i8x16.extract_lane_u 3 (local.get $before))
      (i32.mul (i32.const 1000) (i8x16.extract_lane_u 3 (v128.load $m (local.get $at)))))))`
