import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

/** Programs that do not end by themselves, and some that do. */
export const bytes = wat(`(module
  (import "env" "f" (func $f (result i32)))
  (memory (export "memory") 1)
  (global $depth (export "depth") (mut i32) (i32.const 0))
  (func (export "answer") (result i32) (i32.const 42))
  (func (export "call") (result i32) (i32.add (i32.const 41) (call $f)))
  ;; Counts rounds at address 8.
  (func $loop (export "loop")
    (loop $again
      (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1)))
      (br $again)))
  (func (export "rounds") (param $rounds i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.const 3)))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))
  (func (export "imports") (loop $again (drop (call $f)) (br $again)))
  ;; Catches everything, and says so at address 0.
  (func (export "caught") (result i32)
    (loop $again
      (try
        (do (drop (call $f)) (call $loop))
        (catch_all (i32.store (i32.const 0) (i32.const 1))))
      (br $again))
    (i32.const 0))
  (func $endless (export "endless") (param i32) (result i32)
    (if (i32.eqz (i32.and (local.get 0) (i32.const 31)))
      (then (return (call $endless (i32.add (local.get 0) (i32.const 1))))))
    (i32.add (i32.const 1) (call $endless (i32.const 32))))
  (func $deep (export "deep") (param i32) (result i32)
    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "fill") (param i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (local.get 0))
      (br $again))))`)

/** Does not return from `new Instance`. */
export const endlessStart = wat(`(module
  (func $start (loop $again (br $again)))
  (start $start))`)

const modules = new Map<WebAssembly.Tiering, WebAssembly.Module>()

export function instantiate(
  f: () => unknown = () => 1,
  tiering: WebAssembly.Tiering = 'optimize',
): WebAssembly.Exports {
  let module = modules.get(tiering)
  if (module === undefined) {
    module = new WebAssembly.Module(bytes, { tiering })
    modules.set(tiering, module)
  }
  return new WebAssembly.Instance(module, { env: { f } }).exports
}

/** Blocks the thread. */
export function spin(milliseconds: number): number {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
  return 1
}
