import { assemble } from '../../cli/assemble.ts'

/**
 * A module that mixes every 32-bit value of its windows, `rounds` times each: bound by computation,
 * not by memory. It imports `env.next` and exports its memory and `run(rounds)`, the sum of what comes out.
 */
export function hashKernel(): Uint8Array<ArrayBuffer> {
  return assemble(
    'hashes.wat',
    `(module
  (import "env" "next" (func $next (result i32)))
  (memory (export "memory") 0)
  (func (export "run") (param $rounds i32) (result i64)
    (local $length i32) (local $at i32) (local $value i32) (local $left i32) (local $sum i64)
    (loop $windows
      (if (i32.eqz (local.tee $length (call $next))) (then (return (local.get $sum))))
      (local.set $at (i32.const 0))
      (loop $values
        (local.set $value (i32.load (local.get $at)))
        (local.set $left (local.get $rounds))
        (loop $mix
          (local.set $value
            (i32.mul
              (i32.xor (local.get $value) (i32.shr_u (local.get $value) (i32.const 15)))
              (i32.const 0x2c1b3c6d)))
          (br_if $mix (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $value))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $values (i32.lt_u (local.get $at) (local.get $length))))
      (br $windows))
    (unreachable)))`,
  )
}

/** How often a value is mixed: a query over 8 MiB takes some 50 ms on one thread. */
export const hashRounds = 20
