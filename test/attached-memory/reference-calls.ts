/**
 * A module in Binaryen's text format, which has call_ref. It goes on in another window after calls
 * of references, and looks at the size of the memory before and after.
 *
 * @param memory The index of the memory that the windows are in.
 */
export const referenceCalls = (memory: 0 | 1): string => `(module
  (type $next (func (result i32)))
  (type $callee (func (param i32) (result i32)))
  (import "env" "next" (func $next (result i32)))
  (import "env" "memory0" (memory $m0 0 10))
  (import "env" "memory1" (memory $m1 0 10))
  (elem declare func $next $callee)

  (func $callee (type $callee)
    (drop (call $next))
    (i32.load8_u $m${memory} (local.get 0)))

  (func (export "reference") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m${memory} (local.get $at)))
    (drop (call_ref $next (ref.func $next)))
    (i32.add (local.get $before)
      (i32.mul (i32.const 1000) (i32.load8_u $m${memory} (local.get $at)))))

  (func (export "referenceCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m${memory} (local.get $at)))
    (drop (call_ref $callee (local.get $at) (ref.func $callee)))
    (i32.load8_u $m${memory} (local.get $at)))

  (func (export "sizes") (result i32)
    (local $before i32)
    (local.set $before (memory.size $m${memory}))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (memory.size $m${memory})))))`
