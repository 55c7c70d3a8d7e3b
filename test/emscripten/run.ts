import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { HostRegion, HostWindows, WebAssembly, wasi } from 'v8-rawmem'
import { mark, say } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { runTest } from '../support/run-test.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const workSum = 4_194 * 499_500 + (303 * 304) / 2
const count = 100_000
const columnSum = (count * (count - 1)) / 2

/** Compiles the program into `folder`, beside its glue. */
function compile(folder: string, name: string, flags: readonly string[]): string {
  const output = join(folder, name)
  const args = [
    ...['test/emscripten/program.c', '-I', 'guests', '-o', output, '-sALLOW_MEMORY_GROWTH'],
    ...['-sERROR_ON_UNDEFINED_SYMBOLS=0', ...flags],
  ]
  const { error, status, stderr } = spawnSync('emcc', args, {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
    // Debian's optimiser of Emscripten finds what it needs only there.
    env: { NODE_PATH: '/usr/share/nodejs', ...process.env },
  })
  if (error !== undefined) {
    throw new AdvisedError(
      `emcc does not run: ${error.message}`,
      'Install Emscripten (Debian: apt-get install emscripten), with emcc in the PATH.',
      { cause: error },
    )
  }
  if (status !== 0) {
    throw new AdvisedError(
      `emcc failed on test/emscripten/program.c:\n${stderr.trimEnd()}`,
      'It works with 3.1.6, of Debian; emcc --version says which yours is.',
    )
  }
  return output
}

function openWindows(): HostWindows {
  const region = HostRegion.allocate(8 * count)
  region.view(Float64Array).set(Float64Array.from({ length: count }, (_, i) => i))
  return new HostWindows([region], { windowSize: 65_536 })
}

const expected = [`call 1: ${workSum}`, `column: ${columnSum}`]

/** Without glue: what imports functions of WASI runs as every other program does. */
function runStandalone(folder: string): void {
  const path = compile(folder, 'standalone.wasm', ['-O3', '-sSTANDALONE_WASM'])
  using windows = openWindows()
  let printed = ''
  const host = wasi({
    stdout: (bytes) => {
      printed += Buffer.from(bytes)
    },
  })
  const module = new WebAssembly.Module(readFileSync(path))
  const env = { emscripten_notify_memory_growth: () => {} }
  const imports = { ...windows.imports, ...host.imports, env }
  strictEqual(host.start(new WebAssembly.Instance(module, imports)), 0)
  deepStrictEqual(printed.trim().split('\n'), expected)
}

/** What the glue calls to have its module instantiated. */
type Instantiate = (
  imports: Record<string, Record<string, (...args: number[]) => unknown>>,
  done: (instance: WebAssembly.Instance) => void,
) => WebAssembly.Exports

/** The glue finds `WebAssembly` among the globals, and takes the instance from a function. */
async function runGlue(folder: string): Promise<void> {
  const path = compile(folder, 'glue.js', [
    ...['-O2', '-mbulk-memory', '-sMODULARIZE', '-sENVIRONMENT=node'],
  ])
  const create = createRequire(import.meta.url)(path)
  using windows = openWindows()
  const printed: string[] = []
  const instantiateWasm: Instantiate = (imports, done) => {
    // In JavaScript, it would look for bytes of windows in the buffer of the memory.
    const { emscripten_memcpy_big: copy } = imports.env!
    if (copy !== undefined) {
      imports.env!.emscripten_memcpy_big = (to, from, length) => {
        if (to! < 0 || from! < 0) throw new RangeError('memcpy: give -mbulk-memory to emcc')
        return copy(to!, from!, length!)
      }
    }
    const module = new WebAssembly.Module(readFileSync(join(folder, 'glue.wasm')))
    const instance = new WebAssembly.Instance(module, { ...imports, ...windows.imports })
    done(instance)
    return instance.exports
  }
  const others = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')!
  Object.defineProperty(globalThis, 'WebAssembly', { ...others, value: WebAssembly })
  try {
    const glue = await create({
      instantiateWasm,
      noInitialRun: true,
      print: (line: string) => printed.push(line),
    })
    strictEqual(glue.asm.work(), workSum)
    strictEqual(glue.asm.column(), columnSum)
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', others)
  }
  deepStrictEqual(printed, expected)
}

async function test(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-emscripten-'))
  try {
    runStandalone(folder)
    say(`${mark('ok')} -sSTANDALONE_WASM, as a program of WASI`)
    await runGlue(folder)
    say(`${mark('ok')} glue for Node, handed this namespace`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

await new Command('npm run test:emscripten --')
  .description(
    'Runs programs and glue of Emscripten on this engine, with memory of their own and with host windows. Needs emcc in the PATH.',
  )
  .action(() => runTest(false, test))
  .parseAsync()
