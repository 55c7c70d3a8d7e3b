// Run by deep-stacks.test.ts: code is compiled, at its first call, at the deepest point that recursion reaches.
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

/** LEB128 of a number that is not negative; with `signed`, as the operand of i32.const. */
function leb(value: number, signed = false): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const byte = rest & 0x7f
    rest >>>= 7
    if (rest === 0 && !(signed && (byte & 0x40) !== 0)) return [...bytes, byte]
    bytes.push(byte | 0x80)
  }
}

const list = (items: number[][]) => [...leb(items.length), ...items.flat()]
const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content]
const body = (code: number[]) => [...leb(code.length + 2), 0, ...code, 0x0b]

/** Deeply nested, which the assembler takes too long for. A new module each time: V8 compiles known code no more. */
function newRecursion(id: number): (depth: number) => number {
  const i32 = 0x7f
  // biome-ignore format: one instruction after the other
  const recurse = [
    0x20, 0, 0x04, i32, // if the argument is not 0
    0x41, 1, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x6a, // 1 + recurse(argument - 1)
    0x05, 0x41, 0, 0x41, 0, 0x10, 1, 0x0b, // else large(0, 0)
  ]
  const large: number[] = []
  const blocks = 1000
  for (let i = 0; i < blocks; ++i) {
    // block, loop, br_if 1 if argument 0 is 0, argument 1 += i32.load(argument 0 * i)
    large.push(0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x45, 0x0d, 1)
    large.push(0x20, 1, 0x20, 0, 0x41, ...leb(i, true), 0x6c, 0x28, 2, 0, 0x6a, 0x21, 1)
  }
  for (let i = 0; i < blocks; ++i) large.push(0x20, 1, 0x0d, 0, 0x0b, 0x0b)
  large.push(0x41, ...leb(id, true))
  const types = [
    [0x60, 1, i32, 1, i32],
    [0x60, 2, i32, i32, 1, i32],
  ]
  const bytes = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(3, list([[0], [1]])),
    ...section(5, list([[0, 1]])),
    ...section(7, list([[1, 0x66, 0, 0]])),
    ...section(10, list([body(recurse), body(large)])),
  ])
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f
}

const first = newRecursion(0)
first(1)
let reached = 1
let overflows = 1 << 22
while (overflows - reached > 1) {
  const middle = (reached + overflows) >> 1
  try {
    first(middle)
    reached = middle
  } catch {
    overflows = middle
  }
}

for (const [i, distance] of [0, 1, 2, 5, 20, 100].entries()) {
  const depth = reached - distance
  try {
    console.log(newRecursion(i + 1)(depth) === depth + i + 1 ? 'result' : 'wrong result')
  } catch (error) {
    console.log(error instanceof RangeError ? 'overflow' : String(error))
  }
}
console.log(
  new WebAssembly.Instance(
    new WebAssembly.Module(wat('(module (func (export "answer") (result i32) (i32.const 42)))')),
  ).exports.answer(),
)
