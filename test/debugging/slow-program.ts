import { assemble } from '../../cli/assemble.ts'

/**
 * Its export `run` spends nearly all its time in `$mix`, which it calls for each byte of each
 * window: so many rounds of a hash.
 */
export function slowProgram(rounds: number): Uint8Array<ArrayBuffer> {
  return assemble(
    'slow.wat',
    `(module $slow
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func $mix (param $x i32) (param $rounds i32) (result i32)
    (local $i i32)
    (loop $again
      (local.set $x (i32.rotl (i32.mul (local.get $x) (i32.const 0x9E3779B1)) (i32.const 13)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $rounds))))
    (local.get $x))
  (func $sum (param $length i32) (result i32)
    (local $i i32) (local $sum i32)
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $i) (local.get $length)))
        (local.set $sum (i32.add (local.get $sum)
          (call $mix (i32.load8_u (local.get $i)) (i32.const ${rounds}))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $bytes)))
    (local.get $sum))
  (func $run (export "run") (result i32)
    (local $length i32) (local $total i32)
    (loop $windows
      (local.set $length (call $next))
      (local.set $total (i32.add (local.get $total) (call $sum (local.get $length))))
      (br_if $windows (local.get $length)))
    (local.get $total))
  (func $trap (export "trap") (result i32) (drop (call $sum (call $next))) (unreachable)))`,
    { debugNames: true },
  )
}
