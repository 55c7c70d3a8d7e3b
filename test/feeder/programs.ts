import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

type Address = 'i32' | 'i64'

export interface ProgramOptions {
  /** Type of what `next` takes and returns. */
  readonly address?: Address
  /** Index of the memory that the windows are shown in. */
  readonly memory?: number
  /** Address type of that memory. */
  readonly memoryType?: Address
  /** Pages that it declares as its minimum. */
  readonly minimum?: number
}

/** Declarations of the memories up to the one with the windows. */
function memories({ memory = 0, memoryType = 'i32', minimum = 0 }: ProgramOptions): string {
  const others = Array.from({ length: memory }, () => '(memory 1)').join(' ')
  return `${others} (memory $m ${memoryType === 'i64' ? 'i64' : ''} ${minimum}) (export "memory" (memory $m))`
}

/** An address of the memory from a local with a length. */
function addressOf(options: ProgramOptions, local: string): string {
  const { address = 'i32', memoryType = 'i32' } = options
  if (address === memoryType) return `(local.get ${local})`
  return address === 'i32'
    ? `(i64.extend_i32_u (local.get ${local}))`
    : `(i32.wrap_i64 (local.get ${local}))`
}

const modules = new Map<string, WebAssembly.Module>()

export function compile(text: string): WebAssembly.Module {
  let module = modules.get(text)
  if (module === undefined) {
    module = new WebAssembly.Module(wat(text))
    modules.set(text, module)
  }
  return module
}

/**
 * Reads all bytes, window by window, in one call: `run` gives a hash that depends on each byte and its place. It calls
 * `env.seen` at the end of each window, while that is mapped.
 */
export function reader(options: ProgramOptions = {}): WebAssembly.Module {
  const { address: t = 'i32' } = options
  return compile(`(module
    (import "env" "next" (func $next (result ${t})))
    (import "env" "seen" (func $seen (param ${t})))
    ${memories(options)}
    (func (export "run") (result i64) (local $hash i64) (local $length ${t}) (local $at ${t})
      (block $end
        (loop $window
          (br_if $end (${t}.eqz (local.tee $length (call $next))))
          (local.set $at (${t}.const 0))
          (loop $byte
            (local.set $hash (i64.add
              (i64.mul (local.get $hash) (i64.const 31))
              (i64.load8_u $m ${addressOf(options, '$at')})))
            (br_if $byte (${t}.lt_u
              (local.tee $at (${t}.add (local.get $at) (${t}.const 1))) (local.get $length))))
          (call $seen (local.get $length))
          (br $window)))
      (local.get $hash))
    (func (export "load") (param ${options.memoryType ?? 'i32'}) (result i32)
      (i32.load8_u $m (local.get 0)))
    (func (export "size") (result ${options.memoryType ?? 'i32'}) (memory.size $m)))`)
}

/** What `run` of {@link reader} gives for these bytes. */
export function hashOf(bytes: Uint8Array): bigint {
  // In halves, as bigints are slow.
  let high = 0
  let low = 0
  for (const byte of bytes) {
    const sum = low * 31 + byte
    high = (high * 31 + Math.floor(sum / 2 ** 32)) % 2 ** 32
    low = sum % 2 ** 32
  }
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
}

/**
 * Reads lines that may straddle windows: `run` gives their number and a hash of their lengths. Says how many bytes it used
 * up: up to the last line end in the window.
 */
export function lineReader(options: ProgramOptions = {}): WebAssembly.Module {
  const { address: t = 'i32' } = options
  return compile(`(module
    (import "env" "next" (func $next (param ${t}) (result ${t})))
    ${memories(options)}
    (global $lines (mut i32) (i32.const 0))
    (global $hash (mut i64) (i64.const 0))
    (func $line (param $length ${t})
      (global.set $lines (i32.add (global.get $lines) (i32.const 1)))
      (global.set $hash (i64.add
        (i64.mul (global.get $hash) (i64.const 31))
        ${t === 'i64' ? '(local.get $length)' : '(i64.extend_i32_u (local.get $length))'})))
    (func (export "run") (result i32 i64)
      (local $length ${t}) (local $at ${t}) (local $start ${t})
      (global.set $lines (i32.const 0))
      (global.set $hash (i64.const 0))
      (block $end
        (loop $window
          (br_if $end (${t}.eqz (local.tee $length (call $next (local.get $start)))))
          (local.set $at (${t}.const 0))
          (local.set $start (${t}.const 0))
          (loop $byte
            (if (i32.eq (i32.load8_u $m ${addressOf(options, '$at')}) (i32.const 10))
              (then
                (call $line (${t}.sub (local.get $at) (local.get $start)))
                (local.set $start (${t}.add (local.get $at) (${t}.const 1)))))
            (br_if $byte (${t}.lt_u
              (local.tee $at (${t}.add (local.get $at) (${t}.const 1))) (local.get $length))))
          (br $window)))
      ;; A last line without an end lies at address 0.
      (if (${t}.ne (local.get $start) (local.get $at))
        (then (call $line (${t}.sub (local.get $at) (local.get $start)))))
      (global.get $lines)
      (global.get $hash)))`)
}

/** What `run` of {@link lineReader} gives for this text. */
export function linesOf(text: string): [number, bigint] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const hash = lines.reduce((sum, line) => sum * 31n + BigInt(Buffer.byteLength(line)), 0n)
  return [lines.length, BigInt.asIntN(64, hash)]
}

/** Calls `next` each time `step` is called, for programs that a test leads by the hand. */
export function stepper(options: ProgramOptions = {}): WebAssembly.Module {
  const { address: t = 'i32', memoryType = 'i32' } = options
  return compile(`(module
    (import "env" "next" (func $next (result ${t})))
    (import "env" "next" (func $nextAfter (param ${t}) (result ${t})))
    ${memories(options)}
    (func (export "step") (result ${t}) (call $next))
    (func (export "stepAfter") (param ${t}) (result ${t}) (call $nextAfter (local.get 0)))
    (func (export "load") (param ${memoryType}) (result i32) (i32.load8_u $m (local.get 0)))
    (func (export "store") (param ${memoryType} i32) (i32.store8 $m (local.get 0) (local.get 1)))
    (func (export "size") (result ${memoryType}) (memory.size $m)))`)
}
