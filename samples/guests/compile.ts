import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../', import.meta.url))

/** The same program in one of the languages. Paths are those in the repository. */
export interface Guest {
  readonly language: string
  readonly source: string
  /** What the source includes of this package. */
  readonly kit: string
  readonly module: string
  /** Undefined where its compiler is not installed. */
  compile(): Promise<Uint8Array | undefined>
}

export function readInRepository(path: string): Uint8Array {
  return readFileSync(join(repository, path))
}

/** Clang, its linker and wasi-libc, all of them in WebAssembly. */
async function compileByClang(
  compiler: 'clang' | 'clang++',
  source: string,
  kit: string,
  flags: readonly string[],
): Promise<Uint8Array> {
  const { commands } = await import('@yowasp/clang')
  const files = { source: readInRepository(source), kit: readInRepository(kit) }
  const name = source.split('/').at(-1)!
  const words = ['--target=wasm32-wasip1', '-O3', ...flags, '-I', 'guests', name]
  const made = await commands[compiler](
    [...words, '-o', 'trades.wasm'],
    { [name]: files.source, guests: { 'rawmem.h': files.kit } },
    { fetchProgress: () => {} },
  )
  return (made as Record<string, Uint8Array>)['trades.wasm']!
}

/** What `compile` writes into a folder of its own as `trades.wasm`. */
function written(compile: (folder: string) => void): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-guest-'))
  try {
    compile(folder)
    return readFileSync(join(folder, 'trades.wasm'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function compileByAsc(source: string): Promise<Uint8Array> {
  const asc = 'node_modules/assemblyscript/bin/asc.js'
  const config = 'node_modules/@assemblyscript/wasi-shim/asconfig.json'
  return written((folder) => {
    const flags = ['--config', config, '-O3', '--outFile', join(folder, 'trades.wasm')]
    execFileSync(process.execPath, [asc, source, ...flags], { cwd: repository })
  })
}

/** The target for WASI of the Rust that is installed, by its older name or its newer one. */
function rustTarget(): string | undefined {
  return ['wasm32-wasip1', 'wasm32-wasi'].find((target) => {
    try {
      const words = ['--print', 'target-libdir', '--target', target]
      return existsSync(execFileSync('rustc', words, { encoding: 'utf8', stdio: 'pipe' }).trim())
    } catch {
      return false
    }
  })
}

async function compileByRustc(source: string, kit: string): Promise<Uint8Array | undefined> {
  const target = rustTarget()
  if (target === undefined) return undefined
  return written((folder) => {
    const flags = ['--edition=2021', '--target', target, '-C', 'opt-level=3', '--out-dir', folder]
    const rustc = (...words: string[]) =>
      execFileSync('rustc', [...flags, ...words], { cwd: repository })
    rustc('--crate-type=rlib', '--crate-name=rawmem', kit)
    const library = `rawmem=${join(folder, 'librawmem.rlib')}`
    const small = ['-C', 'strip=symbols', '-C', 'lto', '-C', 'panic=abort']
    rustc(...small, '-C', 'link-arg=--export=result', '--extern', library, source)
  })
}

function guest(
  language: string,
  file: string,
  kit: string,
  compile: (source: string, kit: string) => Promise<Uint8Array | undefined>,
): Guest {
  const source = `samples/guests/${file}`
  const module = source.replace(/\.\w+$/, '.wasm')
  return { language, source, kit, module, compile: () => compile(source, kit) }
}

const exported = '-Wl,--export=result'

export const guests: readonly Guest[] = [
  guest('C', 'c/trades.c', 'guests/rawmem.h', (source, kit) =>
    compileByClang('clang', source, kit, [exported]),
  ),
  guest('C++', 'cpp/trades.cc', 'guests/rawmem.h', (source, kit) =>
    compileByClang('clang++', source, kit, [exported, '-fno-exceptions']),
  ),
  guest('Rust', 'rust/trades.rs', 'guests/rust/rawmem.rs', compileByRustc),
  guest(
    'AssemblyScript',
    'assemblyscript/trades.ts',
    'guests/assemblyscript/rawmem.ts',
    compileByAsc,
  ),
]

/** What tells whether a module was made from these sources. */
export interface GuestRecord {
  readonly sources: string
  readonly module: string
}

function digest(...parts: Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

export function recordOf({ source, kit }: Guest, module: Uint8Array): GuestRecord {
  return {
    sources: digest(readInRepository(kit), readInRepository(source)),
    module: digest(module),
  }
}
