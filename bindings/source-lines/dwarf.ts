// LLVM's symbolizer reads the DWARF: the user's own, or that of the package @yowasp/clang.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CodeLine } from './code-line.ts'
import type { ModuleCode } from './module-code.ts'

/** What it prints for an address. */
interface Symbolized {
  readonly Symbol?: readonly {
    readonly FunctionName: string
    readonly FileName: string
    readonly Line: number
    readonly Column: number
  }[]
  readonly Error?: { readonly Message: string }
}

const file = 'program.wasm'
const words = (addresses: readonly number[]) => [
  `--obj=${file}`,
  '--output-style=JSON',
  '--inlines',
  ...addresses.map((address) => `0x${address.toString(16)}`),
]

async function runNative(
  symbolizer: string,
  bytes: Uint8Array,
  addresses: readonly number[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'v8-rawmem-symbols-'))
  try {
    await writeFile(join(folder, file), bytes)
    const options = { cwd: folder, maxBuffer: 2 ** 26 }
    return (await promisify(execFile)(symbolizer, words(addresses), options)).stdout
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A command of that package runs in this process, on files in memory. */
type PackagedCommand = (
  words: readonly string[],
  files: Readonly<Record<string, Uint8Array>>,
  options: { stdout(bytes: Uint8Array | null): void; fetchProgress(): void },
) => Promise<unknown>

async function runPackaged(
  bytes: Uint8Array,
  addresses: readonly number[],
): Promise<string | undefined> {
  // Optional, and too large to be read for types only.
  const name = '@yowasp/clang'
  const found = await import(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  })
  const symbolizer: PackagedCommand | undefined = found?.commands?.symbolizer
  if (symbolizer === undefined) return undefined
  const printed: Uint8Array[] = []
  await symbolizer(
    words(addresses),
    { [file]: bytes },
    {
      stdout(bytes) {
        // It may use the memory again.
        if (bytes !== null) printed.push(bytes.slice())
      },
      fetchProgress() {},
    },
  )
  return Buffer.concat(printed).toString()
}

const install =
  'Install LLVM (on Debian: apt-get install llvm), or name its llvm-symbolizer in LLVM_SYMBOLIZER_PATH, or run: npm install @yowasp/clang'

async function symbolize(bytes: Uint8Array, addresses: readonly number[]): Promise<string> {
  const named = process.env.LLVM_SYMBOLIZER_PATH || undefined
  try {
    return await runNative(named ?? 'llvm-symbolizer', bytes, addresses)
  } catch (error) {
    if (named !== undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const { message } = error as Error
      throw new Error(`llvm-symbolizer cannot read the program: ${message.trim()}. ${install}`, {
        cause: error,
      })
    }
  }
  const printed = await runPackaged(bytes, addresses)
  if (printed !== undefined) return printed
  throw new Error(
    `llvm-symbolizer, which reads the program's DWARF, is not on the PATH. ${install}`,
  )
}

/** Older ones print an array for each address, newer ones a line. */
function parse(printed: string): Symbolized[] {
  const lines = printed.split('\n').filter((line) => line.trim() !== '')
  return lines.flatMap((line) => JSON.parse(line) as Symbolized | Symbolized[])
}

/**
 * Reads the lines of instructions from the DWARF of a module.
 *
 * @param offsets In the bytes of the module.
 * @returns for each offset the line, and those of the functions that it was inlined into, outwards.
 */
export async function dwarfLines(
  module: ModuleCode,
  offsets: readonly number[],
): Promise<CodeLine[][]> {
  const addresses = offsets.map((offset) => offset - module.code.begin)
  const printed = await symbolize(module.bytes, addresses)
  let symbolized: Symbolized[]
  try {
    symbolized = parse(printed)
  } catch (error) {
    throw new Error(`llvm-symbolizer prints no JSON. ${install}`, { cause: error })
  }
  return offsets.map((_, i) => {
    const { Symbol: symbols = [] } = symbolized[i] ?? {}
    return symbols
      .filter(({ FileName, FunctionName }) => FileName !== '' || FunctionName !== '')
      .map(({ FunctionName, FileName, Line, Column }) => ({
        ...(FunctionName !== '' && { function: FunctionName }),
        ...(FileName !== '' && { file: FileName }),
        ...(FileName !== '' && Line > 0 && { line: Line }),
        ...(FileName !== '' && Line > 0 && Column > 0 && { column: Column }),
      }))
  })
}
