import type * as api from '../../../types/web-assembly.d.ts'

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
/**
 * A module that defines and exports memories of `pages`, as `"0"`, `"1"`, …. All numbers are below
 * 128.
 */
export function memoriesModule(pages: readonly number[], flags = 0): Uint8Array<ArrayBuffer> {
  const memories = pages.flatMap((initial) => [flags, initial])
  const names = pages.flatMap((_, index) => [1, 0x30 + index, 2, index])
  return new Uint8Array([
    ...header,
    ...[5, memories.length + 1, pages.length, ...memories],
    ...[7, names.length + 1, pages.length, ...names],
  ])
}

/** Instances with exported memories, for the search. No two sizes are equal. */
export function layoutProbes(native: api.WebAssemblyNamespace): (object | ArrayBuffer)[][] {
  const shapes = [[1], [2], [5]]
  if (native.validate(memoriesModule([1, 1]))) shapes.push([4, 3], [7, 6, 8])
  return shapes.map((pages) => {
    const instance = new native.Instance(new native.Module(memoriesModule(pages)))
    const buffers = pages.map((_, index) => (instance.exports[index] as api.Memory).buffer)
    return [instance, ...buffers]
  })
}

/** Memories whose maxima, in pages, are unlikely values for anything else. */
export function maximumProbes(native: api.WebAssemblyNamespace): [object, number][] {
  return [12_345, 23_456, 34_567].map((maximum) => [
    new native.Memory({ initial: 0, maximum }),
    maximum,
  ])
}

/** The exports of {@link accessModule}. All addresses and lengths are bytes. */
export interface AccessProbe {
  load(address: number): number
  /** Loads the byte at `address`, calls the import `t.s`, and adds 256 times the byte then. */
  across(address: number): number
  fill(address: number, value: number, length: number): void
  size(): number
  grow(pages: number): number
}

/**
 * A module with `index + 1` memories whose functions use the last one:
 *
 * ```wat
 * (module
 *   (import "t" "s" (func $switch))
 *   (memory 0 1)
 *   (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
 *   (func (export "across") (param i32) (result i32)
 *     (i32.load8_u (local.get 0))
 *     (call $switch)
 *     (i32.load8_u (local.get 0))
 *     (i32.const 256)
 *     i32.mul
 *     i32.add)
 *   (func (export "fill") (param i32 i32 i32)
 *     (memory.fill (local.get 0) (local.get 1) (local.get 2)))
 *   (func (export "size") (result i32) memory.size)
 *   (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
 * ```
 */
export function accessModule(index: 0 | 1): Uint8Array<ArrayBuffer> {
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)]
  const section = (id: number, count: number, body: number[]) => [
    id,
    body.length + 1,
    count,
    ...body,
  ]
  const body = (code: number[]) => [code.length + 2, 0, ...code, 0x0b]
  // A flag in the alignment of an access says that a memory index follows.
  const load = [0x20, 0, 0x2d, ...(index === 0 ? [0] : [0x40, index]), 0]
  const memories = Array.from({ length: index + 1 }, () => [1, 0, 1]).flat()
  const functions = [
    body(load),
    body([...load, 0x10, 0, ...load, 0x41, 0x80, 0x02, 0x6c, 0x6a]),
    body([0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 0x0b, index]),
    body([0x3f, index]),
    body([0x20, 0, 0x40, index]),
  ]
  const names = ['load', 'across', 'fill', 'size', 'grow']
  return new Uint8Array([
    ...header,
    ...section(1, 4, [
      ...[0x60, 0, 0],
      ...[0x60, 1, 0x7f, 1, 0x7f],
      ...[0x60, 3, 0x7f, 0x7f, 0x7f, 0],
      ...[0x60, 0, 1, 0x7f],
    ]),
    ...section(2, 1, [...name('t'), ...name('s'), 0, 0]),
    ...section(3, functions.length, [1, 1, 2, 3, 1]),
    ...section(5, index + 1, memories),
    ...section(
      7,
      names.length,
      names.flatMap((text, number) => [...name(text), 0, number + 1]),
    ),
    ...section(10, functions.length, functions.flat()),
  ])
}
