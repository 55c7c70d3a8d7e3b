import { assemble } from '../../cli/assemble.ts'

/** The exports of the module. */
export interface SwitchExports {
  /** Calls `next` until it gives 0; returns how many windows there were. */
  run(): number
  /** The same, and reads a byte of every 4 KiB of a window, whose lengths are multiples of that. */
  touch(): number
}

/** A module that does nothing but to ask for the next window, by the import `env.next`. Its memory is `env.memory`. */
export function switchKernel(): Uint8Array<ArrayBuffer> {
  return assemble(
    'switches.wat',
    `(module
  (import "env" "next" (func $next (result i32)))
  (import "env" "memory" (memory 1))
  (func (export "run") (result i32)
    (local $windows i32)
    (block $done
      (loop $each
        (br_if $done (i32.eqz (call $next)))
        (local.set $windows (i32.add (local.get $windows) (i32.const 1)))
        (br $each)))
    (local.get $windows))
  (func (export "touch") (result i32)
    (local $windows i32)
    (local $at i32)
    (local $end i32)
    (local $sum i32)
    (block $done
      (loop $each
        (br_if $done (i32.eqz (local.tee $end (call $next))))
        (local.set $at (i32.const 0))
        (loop $page
          (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
          (br_if $page
            (i32.ne
              (local.tee $at (i32.add (local.get $at) (i32.const 4096)))
              (local.get $end))))
        (local.set $windows (i32.add (local.get $windows) (i32.const 1)))
        (br $each)))
    ;; The sum is zero over memory that nobody has written; it is there to be needed.
    (i32.add (local.get $windows) (local.get $sum))))`,
  )
}
