// Files and lines of traps, from DWARF and source maps.

import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { HostRegion, HostWindows, runOnWorker, symbolicate, WebAssembly } from 'v8-rawmem'
import { SectionId, sectionsOf } from '../../bindings/backends/module-layout.ts'
import { wat } from '../support/wat.ts'
import {
  compileInAssemblyScript,
  compileInC,
  inAssemblyScript,
  inC,
  lineOf,
  type WithMap,
} from './trapping-programs.ts'

const test = anyTest as TestFn<{ c: Uint8Array; asc: WithMap }>

test.before(async (t) => {
  t.context = { c: await compileInC('-g'), asc: compileInAssemblyScript() }
})

function trap(t: ExecutionContext, bytes: Uint8Array): Error {
  const region = HostRegion.allocate(8)
  const windows = new HostWindows([region])
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    ...windows.imports,
    env: { next: () => 0 },
  })
  const error = t.throws(() => (exports.run as () => void)(), { any: true } as object)
  windows.close()
  region.close()
  return error as Error
}

const inCFile = '/program.c'
const expectedInC = [
  { function: 'check', file: inCFile, line: lineOf(inC, 'trap'), inlined: true },
  { function: 'middle', file: inCFile, line: lineOf(inC, 'inlined'), inlined: false },
  { function: 'run', file: inCFile, line: lineOf(inC, 'call'), inlined: false },
]

test.serial('DWARF: functions with file, line and column, inlined ones as well', async (t) => {
  const error = trap(t, t.context.c)
  const frames = await symbolicate(error, t.context.c)
  t.like(frames, expectedInC)
  t.is(frames[0]!.column, inC.split('\n')[frames[0]!.line! - 1]!.indexOf('__builtin_trap') + 1)
  t.is(frames[0]!.functionIndex, frames[1]!.functionIndex)
  t.true(
    error.stack!.includes(
      `wasm-function[${frames[2]!.functionIndex}]:0x${frames[2]!.offset.toString(16)}`,
    ),
  )
})

test.serial('DWARF is read by @yowasp/clang where LLVM is not installed', async (t) => {
  const { PATH, LLVM_SYMBOLIZER_PATH } = process.env
  t.teardown(() => {
    process.env.PATH = PATH
    if (LLVM_SYMBOLIZER_PATH !== undefined) process.env.LLVM_SYMBOLIZER_PATH = LLVM_SYMBOLIZER_PATH
  })
  process.env.PATH = '/nowhere'
  delete process.env.LLVM_SYMBOLIZER_PATH
  t.like(await symbolicate(trap(t, t.context.c), t.context.c), expectedInC)
})

test.serial('without a symbolizer, the error says what to install', async (t) => {
  t.teardown(() => delete process.env.LLVM_SYMBOLIZER_PATH)
  process.env.LLVM_SYMBOLIZER_PATH = '/nowhere/llvm-symbolizer'
  await t.throwsAsync(symbolicate(trap(t, t.context.c), t.context.c), {
    message:
      /^llvm-symbolizer cannot read the program: .*ENOENT.*Install LLVM .*apt-get install llvm/,
  })
})

test('errors of workers keep what is needed', async (t) => {
  const region = HostRegion.allocate(8)
  t.teardown(() => region.close())
  const error = await t.throwsAsync(runOnWorker(t.context.c, region))
  t.like(await symbolicate(error!, t.context.c), expectedInC)
})

test('a source map is given as symbols', async (t) => {
  const { wasm, map } = t.context.asc
  const error = trap(t, wasm)
  const file = 'program.ts'
  const expected = [
    { file, line: lineOf(inAssemblyScript, 'trap'), column: 19, inlined: false },
    { file, line: lineOf(inAssemblyScript, 'call'), column: 10, inlined: false },
  ]
  t.like(await symbolicate(error, wasm, map), expected)
  t.like(await symbolicate(error.stack!, wasm, Buffer.from(map)), expected)
  const frames = await symbolicate(error, wasm, map)
  t.regex(frames[0]!.function!, /check$/)
  await t.throwsAsync(symbolicate(error, wasm), {
    message: /are in \S*program\.wasm\.map\. Give the content of that file as symbols/,
  })
})

test('a source map in the module itself is found', async (t) => {
  const { wasm, map } = t.context.asc
  const url = `data:application/json;base64,${Buffer.from(map).toString('base64')}`
  const embedded = replaceMapUrl(wasm, url)
  const frames = await symbolicate(trap(t, embedded), embedded)
  t.is(frames[0]!.line, lineOf(inAssemblyScript, 'trap'))
})

test('a function without an entry in the source map has no line, not that of the one before', async (t) => {
  const { wasm, map } = t.context.asc
  const error = trap(t, wasm)
  const [first] = await symbolicate(error, wasm, map)
  const mappings = `${'A'.repeat(4)}` // One entry, at byte 0.
  const [frame] = await symbolicate(error, wasm, JSON.stringify({ ...JSON.parse(map), mappings }))
  t.deepEqual(frame, {
    function: first!.function!,
    inlined: false,
    functionIndex: first!.functionIndex,
    offset: first!.offset,
  })
})

test('a stripped program gets its lines from the same program with DWARF', async (t) => {
  const stripped = withoutCustomSections(t.context.c)
  const error = trap(t, stripped)
  await t.throwsAsync(symbolicate(error, stripped), {
    message: /neither DWARF nor a source map.*-g/,
  })
  t.like(await symbolicate(error, stripped, t.context.c), expectedInC)
  await t.throwsAsync(symbolicate(error, stripped, t.context.asc.wasm), {
    message: /symbols are of another program/,
  })
})

test('what is damaged is refused or has no lines', async (t) => {
  const { c, asc } = t.context
  const error = trap(t, asc.wasm)
  for (const text of ['', '{', '{}', '{"version":3,"sources":[],"mappings":1}', 'null']) {
    await t.throwsAsync(symbolicate(error, asc.wasm, text), {
      message: /source map of the program cannot be read/,
    })
  }
  // The sections of DWARF are zeros: they begin behind the code.
  const at = Buffer.from(c).indexOf('.debug_info')
  const damaged = Uint8Array.from(c)
  damaged.fill(0, at + '.debug_info'.length, at + 100)
  const frames = await symbolicate(trap(t, damaged), damaged)
  t.is(frames.at(-1)!.line, undefined)
})

test('frames of other modules, and of none, are left out', async (t) => {
  const { c, asc } = t.context
  t.deepEqual(await symbolicate(new Error('of JavaScript'), c), [])
  t.deepEqual(await symbolicate(trap(t, wat('(module (func (export "run") unreachable))')), c), [])
  const both = `${trap(t, c).stack}\n${trap(t, asc.wasm).stack}`
  t.is((await symbolicate(both, c)).length, 3)
  t.is((await symbolicate(both, asc.wasm, asc.map)).length, 2)
})

test('wrong arguments', async (t) => {
  const of = symbolicate as (...words: unknown[]) => Promise<unknown>
  await t.throwsAsync(of({}, t.context.c), {
    instanceOf: TypeError,
    message: /Argument 0 must be an error/,
  })
  await t.throwsAsync(of('', 'x'), { instanceOf: TypeError, message: /Argument 1/ })
  await t.throwsAsync(of('', Buffer.from('text')), {
    instanceOf: TypeError,
    message: /Argument 1 must be the bytes of a module/,
  })
})

function withoutCustomSections(wasm: Uint8Array): Uint8Array {
  const kept = [...sectionsOf(wasm)].filter(({ id }) => id !== SectionId.Custom)
  // All of them come before the first custom one.
  return wasm.slice(0, kept.at(-1)!.end)
}

/** The module with another URL of its source map. */
function replaceMapUrl(wasm: Uint8Array, url: string): Uint8Array {
  const name = 'sourceMappingURL'
  const begin = Buffer.from(wasm).indexOf(name) - 1
  // A custom section: its length, then both texts behind theirs.
  let start = begin
  while (wasm[start - 1] !== 0) start--
  const content = Buffer.concat([
    leb(name.length),
    Buffer.from(name),
    leb(url.length),
    Buffer.from(url),
  ])
  const section = Buffer.concat([Buffer.of(0), leb(content.length), content])
  return Buffer.concat([wasm.subarray(0, start - 1), section])
}

function leb(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}
