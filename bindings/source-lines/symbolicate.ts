/** Documented in types/index.d.ts. */

import type { SourceFrame } from '../../types/source-frame.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import { bytesOf } from '../backends/module-bytes.ts'
import type { CodeLine } from './code-line.ts'
import { linkedSymbols } from './linked-symbols.ts'
import { isModule, ModuleCode } from './module-code.ts'
import { embeddedMap, MapReader } from './source-map.ts'

/** A frame as the engine writes it. */
interface StackFrame {
  readonly name: string | undefined
  /** Of the module that it belongs to. */
  readonly url: string
  readonly functionIndex: number
  readonly offset: number
}

const line = /^\s+at (?:(.+) \()?(wasm:\/\/[^\s()]+):wasm-function\[(\d+)\]:0x([0-9a-f]+)\)?$/

function readStack(stack: string): StackFrame[] {
  return stack.split('\n').flatMap((text) => {
    const [, name, url, functionIndex, offset] = line.exec(text) ?? []
    if (url === undefined) return []
    return { name, url, functionIndex: Number(functionIndex), offset: Number(`0x${offset}`) }
  })
}

/** Those of this module: each frame of one has its offset in the body of its function. */
function framesOf(stack: readonly StackFrame[], module: ModuleCode): StackFrame[] {
  const isInside = ({ functionIndex, offset }: StackFrame) => {
    const body = module.body(functionIndex)
    return body !== undefined && offset >= body.begin && offset < body.end
  }
  const others = new Set(stack.filter((frame) => !isInside(frame)).map(({ url }) => url))
  return stack.filter(({ url }) => !others.has(url))
}

export const howToCompile =
  'Compile it with -g (C, C++, Rust) or --sourceMap (AssemblyScript), and do not strip it.'

/** How the lines are found: for each frame the line, and those that it was inlined into. */
type LineReader = (frames: readonly StackFrame[]) => Promise<CodeLine[][]>

function mapReader(text: string, module: ModuleCode): LineReader {
  const map = new MapReader(text, module)
  return async (frames) =>
    frames.map(({ functionIndex, offset }) => map.lines(functionIndex, offset))
}

function dwarfReader(module: ModuleCode): LineReader {
  return async (frames) => {
    // What it needs of Node takes long to load.
    const { dwarfLines } = await import('./dwarf.ts')
    return dwarfLines(
      module,
      frames.map(({ offset }) => offset),
    )
  }
}

function readerOf(module: ModuleCode): LineReader {
  if (module.hasDwarf) return dwarfReader(module)
  const embedded = embeddedMap(module)
  if (embedded !== undefined) return mapReader(embedded, module)
  const linked = linkedSymbols(module)
  throw new Error(
    linked === undefined
      ? `The program has neither DWARF nor a source map. ${howToCompile}`
      : `The lines of the program are in ${linked}. Give the content of that file as symbols.`,
  )
}

function readerOfSymbols(symbols: BytesSource | string, module: ModuleCode): LineReader {
  const bytes = typeof symbols === 'string' ? Buffer.from(symbols) : bytesOf(symbols, where, 2)
  if (!isModule(bytes)) return mapReader(new TextDecoder().decode(bytes), module)
  const other = new ModuleCode(bytes)
  if (!other.hasCodeOf(module)) {
    throw new Error(
      'The symbols are of another program: its code differs. Give those that the compiler made with this one.',
    )
  }
  return readerOf(other)
}

const where = 'symbolicate()'

export async function symbolicate(
  error: Error | string,
  module: BytesSource,
  symbols?: BytesSource | string,
): Promise<SourceFrame[]> {
  const stack = typeof error === 'string' ? error : (error as Error | undefined)?.stack
  if (typeof stack !== 'string') {
    throw new TypeError(`${where}: Argument 0 must be an error that has a stack, or a stack`)
  }
  const bytes = bytesOf(module, where, 1)
  if (!isModule(bytes)) {
    throw new TypeError(`${where}: Argument 1 must be the bytes of a module`)
  }
  const code = new ModuleCode(bytes)
  const frames = framesOf(readStack(stack), code)
  if (frames.length === 0) return []
  const read = symbols === undefined ? readerOf(code) : readerOfSymbols(symbols, code)
  const lines = await read(frames)
  return frames.flatMap(({ name, functionIndex, offset }, i) => {
    const found = lines[i]!.length === 0 ? [{}] : lines[i]!
    return found.map((line: CodeLine, depth) => ({
      ...(name !== undefined && depth === found.length - 1 && { function: name }),
      ...line,
      inlined: depth < found.length - 1,
      functionIndex,
      offset,
    }))
  })
}
