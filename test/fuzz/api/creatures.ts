import { WebAssembly } from 'v8-rawmem'
import { binaryenText } from '../../support/binaryen-text.ts'

/** Slots for functions that an instance has in its table. */
export const slotCount = 4

/**
 * Instances that hold functions and structs of one another, and read what they are attached to: `read` gives what the
 * import `seen` says in its upper half, and the first four bytes of memory in the lower one.
 */
const text = (owned: string, imported = '') => `(module
    (type $read (func (result i64)))
    (type $box (struct (field (ref $read)) (field anyref)))
    (import "env" "seen" (func $seen (result i32)))
    (import "env" "give" (func $give (result anyref funcref)))
    ${imported}
    ${owned}
    (export "memory" (memory $memory))
    (export "table" (table $table))
    (global $any (export "any") (mut anyref) (ref.null any))
    (global $extern (export "extern") (mut externref) (ref.null extern))
    (elem declare func $read)
    (func $read (export "read") (type $read)
      (i64.or
        (i64.shl (i64.extend_i32_u (call $seen)) (i64.const 32))
        (i64.load32_u (i32.const 0))))
    (func (export "box") (result anyref)
      (struct.new $box (ref.func $read) (global.get $any)))
    (func (export "keep") (param anyref) (global.set $any (local.get 0)))
    (func (export "take") (param i32 funcref)
      (table.set $table (local.get 0) (local.get 1)))
    (func (export "fetch") (param i32)
      (local $function funcref)
      (call $give)
      (local.set $function)
      (global.set $any)
      (table.set $table (local.get 0) (local.get $function)))
    (func (export "readSlot") (param i32) (result i64)
      (call_indirect $table (type $read) (local.get 0)))
    (func (export "readBox") (param $depth i32) (result i64)
      (local $box (ref null $box))
      (local.set $box (ref.cast (ref null $box) (global.get $any)))
      (loop $deeper
        (if (local.get $depth) (then
          (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
          (local.set $box
            (ref.cast (ref null $box) (struct.get $box 1 (local.get $box))))
          (br $deeper))))
      (call_ref $read (struct.get $box 0 (local.get $box))))
    (func (export "readWindow") (result i64)
      (i64.or
        (i64.shl (i64.extend_i32_u (call $seen)) (i64.const 32))
        (i64.load32_u (i32.const 0x80000000))))
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "spin") (loop $l (br $l))))`

const compile = (source: string, options?: WebAssembly.CompileOptions) =>
  new WebAssembly.Module(binaryenText(source) as Uint8Array<ArrayBuffer>, options)

const memory = '(memory $memory 0)'
const table = `(table $table ${slotCount} funcref)`

export const creature = compile(text(`${memory} ${table}`))

/** The same, and `readWindow` reads the first four bytes of window 0. */
export const creatureWithWindows = compile(text(`${memory} ${table}`), { hostWindows: true })

/** The same, in the memory and with the table of another one. */
export const lodger = compile(
  text('', `(import "env" "memory" ${memory}) (import "env" "table" ${table})`),
)
