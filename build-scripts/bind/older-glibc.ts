import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { oldestGlibc } from '../../bindings/addon/platform.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { compilerEnvironment } from '../shared/compiler-environment.ts'
import { $ } from '../shared/shell.ts'
import { type Compiler, findLibraryFile } from '../shared/toolchain.ts'

/** glibc's libraries, by what comes after -l. Since 2.34, the last two are empty. */
const sonames = {
  c: 'libc.so.6',
  m: 'libm.so.6',
  pthread: 'libpthread.so.0',
  dl: 'libdl.so.2',
} as const

interface VersionedSymbol {
  readonly name: string
  readonly version: string
  readonly isData: boolean
}

/**
 * Whether what a compiler makes is to run on other machines, with older versions of glibc. That is for the pinned compiler. With
 * another one, an addon is for the machine it is built on, whatever its C library.
 */
export function isForOlderGlibc({ linker, libraries }: Compiler): boolean {
  return linker !== undefined && libraries.glibc !== undefined
}

/**
 * Makes libraries to link against that have the symbols of {@link oldestGlibc}, each in the version that was the newest at that
 * time. With the system's own libraries, the linker would take the versions of today. There is no code in them: an addon finds
 * the system's libraries when it is loaded.
 *
 * glibc keeps each version of a symbol, so all releases since 2.34 give the same libraries here.
 *
 * @param folder where they go
 * @returns the flags to link with them
 */
export async function provideOlderGlibc(compiler: Compiler, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  for (const [name, soname] of Object.entries(sonames)) {
    const library = await findLibraryFile(compiler, soname)
    const inputs = [await makeLibrary(compiler, library, folder, soname)]
    if (name === 'c') {
      const loader = await findLoader(library)
      const place = join(dirname(library), loader)
      inputs.push(await findLibraryFile(compiler, 'libc_nonshared.a'))
      inputs.push(`AS_NEEDED(${await makeLibrary(compiler, place, folder, loader)})`)
    }
    await writeFile(join(folder, `lib${name}.so`), `INPUT(${inputs.join(' ')})\n`)
  }
  // Before 2.34, the libraries that are empty now have to be loaded.
  return [`-L${folder}`, '-Wl,--no-as-needed']
}

/** The name of the dynamic linker, which differs between processors. */
async function findLoader(libc: string): Promise<string> {
  const { stdout } = await $`readelf --dynamic --wide ${libc}`
  const name = /\(NEEDED\).*\[(ld-linux[^\]]*)\]/.exec(stdout)?.[1]
  if (name) return name
  throw new AdvisedError(`${libc} is not glibc's.`, 'Use a compiler for glibc.')
}

/** Makes the library that stands for one of the system. */
async function makeLibrary(
  { cc, flags, linker }: Compiler,
  library: string,
  folder: string,
  soname: string,
): Promise<string> {
  const path = join(folder, soname)
  const symbols = await olderSymbols(library)
  const definitions = symbols.map(({ name, isData }) =>
    [
      isData ? '.data' : '.text',
      `.globl ${name}`,
      `.type ${name}, ${isData ? '%object' : '%function'}`,
      `${name}: .8byte 0\n`,
    ].join('\n'),
  )
  await writeFile(`${path}.s`, definitions.join(''))
  const versions = [...new Set(symbols.map(({ version }) => version))].map((version) => {
    const names = symbols.filter((symbol) => symbol.version === version).map(({ name }) => name)
    return `GLIBC_${version} { ${names.join('; ')}; };\n`
  })
  await writeFile(`${path}.map`, versions.join(''))
  const options = [
    ...flags,
    ...['-shared', '-nostdlib', `-Wl,-soname,${soname}`, `-Wl,--version-script=${path}.map`],
    ...(linker ? [`-fuse-ld=${linker}`] : []),
  ]
  await $({ env: compilerEnvironment() })`${cc} ${options} -o ${path} ${path}.s`
  return path
}

/** The symbols of a library that it had in the oldest glibc, in their newest versions of that time. */
async function olderSymbols(library: string): Promise<VersionedSymbol[]> {
  const { stdout } = await $`nm --dynamic --defined-only --with-symbol-versions ${library}`
  const newest = new Map<string, VersionedSymbol>()
  for (const line of stdout.split('\n')) {
    const [, type, name, version] = /^\w+ ([BDRTVWi]) (\w+)@@?GLIBC_([\d.]+)$/.exec(line) ?? []
    if (!type || !name || !version || isNewer(version, oldestGlibc)) continue
    const known = newest.get(name)
    if (known && isNewer(known.version, version)) continue
    newest.set(name, { name, version, isData: 'BDRV'.includes(type) })
  }
  return [...newest.values()]
}

/**
 * What an addon seeks that the oldest glibc does not have: later versions of symbols, symbols of other libraries, and such
 * without a version, which the linker found nowhere. Node has those of Node-API.
 */
export async function newerSymbols(addon: string): Promise<string[]> {
  const { stdout } = await $`nm --dynamic --undefined-only --with-symbol-versions ${addon}`
  const sought = [...stdout.matchAll(/^ *U (\S+)$/gm)].map((match) => match[1]!)
  return sought.filter((symbol) => {
    const version = /@GLIBC_([\d.]+)$/.exec(symbol)?.[1]
    return version ? isNewer(version, oldestGlibc) : !/^(napi|node_api)_\w+$/.test(symbol)
  })
}

/** Fails for an addon that could not be loaded with the oldest glibc. */
export async function requireOlderGlibc(addon: string): Promise<void> {
  const newer = await newerSymbols(addon)
  if (newer.length === 0) return
  throw new AdvisedError(
    `${addon} must run with glibc ${oldestGlibc} and no other library of the system, but seeks\n  ${newer.join('\n  ')}`,
    'Define what is missing in bindings/native/common/older_glibc.cc, or do without it.',
  )
}

/** Whether a version of glibc, such as 2.28, is newer than another. */
function isNewer(version: string, than: string): boolean {
  const [parts, others] = [version, than].map((text) => text.split('.').map(Number))
  for (const [index, part] of parts!.entries()) {
    const difference = part - (others![index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return false
}
