import { wat } from '../support/wat.ts'

const sumBytesIn = (pages: number) =>
  wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory ${pages})
  (func $add (param $byte i32) (result i64)
    (if (i32.eq (local.get $byte) (i32.const 255)) (then (unreachable)))
    (i64.extend_i32_u (local.get $byte)))
  (func (export "run") (result i64)
    (local $length i32) (local $at i32) (local $sum i64)
    (loop $windows
      (local.set $at (i32.const 0))
      (local.set $length (call $next))
      (if (local.get $length) (then
        (loop $bytes
          (local.set $sum
            (i64.add (local.get $sum) (call $add (i32.load8_u (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $bytes (i32.lt_u (local.get $at) (local.get $length))))
        (br $windows))))
    (local.get $sum)))`)

/** Sums the bytes of all windows; traps at a byte of 255. */
export const sumBytes = sumBytesIn(0)

/** The same, with a memory of its own of one page. */
export const sumBytesInPage = sumBytesIn(1)

/** Says of what it was given: bytes in all, windows, the first byte and the last one. */
export const describe = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run") (result i32 i32 i32 i32)
    (local $length i32) (local $bytes i32) (local $windows i32)
    (local $first i32) (local $last i32)
    (local.set $first (i32.const -1))
    (loop $again
      (local.set $length (call $next))
      (if (local.get $length) (then
        (if (i32.eqz (local.get $windows))
          (then (local.set $first (i32.load8_u (i32.const 0)))))
        (local.set $last
          (i32.load8_u (i32.sub (local.get $length) (i32.const 1))))
        (local.set $bytes (i32.add (local.get $bytes) (local.get $length)))
        (local.set $windows (i32.add (local.get $windows) (i32.const 1)))
        (br $again))))
    (local.get $bytes) (local.get $windows) (local.get $first) (local.get $last)))`)

/** The length of the first window. */
export const firstWindow = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run") (result i32) (call $next)))`)

/** Adds 1 to every byte. */
export const increment = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run")
    (local $length i32) (local $at i32)
    (loop $windows
      (local.set $at (i32.const 0))
      (local.set $length (call $next))
      (if (local.get $length) (then
        (loop $bytes
          (i32.store8 (local.get $at)
            (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $bytes (i32.lt_u (local.get $at) (local.get $length))))
        (br $windows))))))`)

/** Never returns; the bytes decide: traps at once if the first one is 255. */
export const endless = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run")
    (drop (call $next))
    (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 255)) (then (unreachable)))
    (loop $forever (br $forever))))`)

/** Never returns, and has a memory of its own. */
export const endlessInPage = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 1)
  (func (export "run")
    (drop (call $next))
    (loop $forever (br $forever))))`)

/** Exports of many signatures, with 64-bit lengths and the windows in memory 1. */
export const various = wat(`(module
  (import "data" "chunk" (func $next (result i64)))
  (memory 1)
  (memory 0)
  (func (export "add") (param i32 i64 f32 f64) (result f64)
    (f64.add
      (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)))
      (f64.add (f64.promote_f32 (local.get 2)) (local.get 3))))
  (func (export "several") (result i64 f64) (i64.const -5) (f64.const 0.5))
  (func (export "nothing"))
  (func (export "reference") (result funcref) (ref.null func))
  (func (export "second") (result i64)
    (drop (call $next))
    (i64.load8_u 1 (i32.const 0)))
  (func (export "divide") (param i32) (result i32)
    (i32.div_s (i32.const 1) (local.get 0)))
  (func $deep (export "deep") (call $deep))
  (global (export "one") i32 (i32.const 1)))`)

/** Fails at instantiation: its data does not fit. */
export const unlinkable = wat(`(module
  (import "env" "next" (func (result i32)))
  (memory 0)
  (data (i32.const 5) "x")
  (func (export "run")))`)

export const throwing = wat(`(module
  (import "env" "next" (func (result i32)))
  (tag $wrong (param i32))
  (func (export "run") (throw $wrong (i32.const 7))))`)

export const greedy = wat(`(module
  (import "env" "next" (func (result i32)))
  (import "env" "log" (func (param i32)))
  (import "js" "memory" (memory 1))
  (func (export "run")))`)
