import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { which } from 'zx'
import { sha256OfFile } from '../shared/hash.ts'
import { $ } from '../shared/shell.ts'
import { type Component, type LicensedComponent, purlOf, withLicences } from './component.ts'

/** What of the system a C++ program takes in: by its headers, or because the linker puts it there. */
interface SystemLibrary {
  readonly name: string
  readonly licence: string
  /** The licence that Debian's copyright file only refers to. */
  readonly commonLicence: string
  /** A file with what else is allowed. */
  readonly exception?: string
  /** Whether Debian's copyright file is about other things, most of which are not taken in. */
  readonly isPart?: boolean
  readonly files: RegExp
}

const libraries: readonly SystemLibrary[] = [
  {
    name: 'libstdc++',
    licence: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    commonLicence: 'GPL-3',
    files: /\/libstdc\+\+\.a$|\/include\/([^/]+\/)?c\+\+\//,
  },
  {
    name: 'libgcc',
    licence: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    commonLicence: 'GPL-3',
    files: /\/libgcc(_eh)?\.a$|\/crt(begin|end)[ST]?\.o$/,
  },
  {
    name: 'clang',
    licence: 'Apache-2.0 WITH LLVM-exception',
    commonLicence: 'Apache-2.0',
    exception: fileURLToPath(new URL('llvm-exception.txt', import.meta.url)),
    isPart: true,
    files: /\/lib\/clang\/[^/]+\/(include|lib)\//,
  },
  {
    name: 'glibc',
    licence: 'LGPL-2.1-or-later WITH GCC-exception-2.0-note',
    commonLicence: 'LGPL-2.1',
    // Debian's copyright file does not have the exception.
    exception: fileURLToPath(new URL('glibc-linking-exception.txt', import.meta.url)),
    // Not a static libm or libc, which are without the exception. The last two are empty since glibc 2.34.
    files: /\/crt[in]\.o$|\/lib(c_nonshared|pthread|dl)\.a$/,
  },
]

/**
 * The components that headers of the system belong to.
 *
 * @param versions by the components' names. Debian's finer ones would tell apart what gives the same bytes.
 */
export async function headerComponents(
  paths: readonly string[],
  versions: Readonly<Record<string, string>>,
): Promise<LicensedComponent[]> {
  const described: LicensedComponent[] = []
  for (const library of libraries) {
    const [header] = paths.filter((path) => library.files.test(path)).sort()
    if (!header) continue
    const version = versions[library.name]
    described.push(
      await describe(library, await debianPackageOf(header), version ? { version } : {}),
    )
  }
  return described
}

/** The components of object files and static libraries that the linker took from the system. */
export async function linkedComponents(paths: readonly string[]): Promise<LicensedComponent[]> {
  const byLibrary = new Map<SystemLibrary, string[]>()
  for (const path of [...paths].sort(byBaseName)) {
    const library = libraries.find(({ files }) => files.test(path)) ?? unknownLibrary(path)
    byLibrary.set(library, [...(byLibrary.get(library) ?? []), path])
  }
  const described: LicensedComponent[] = []
  for (const [library, linked] of byLibrary) {
    const debian = await debianPackageOf(linked[0]!)
    const files = await Promise.all(
      linked.map(async (path) => ({ name: basename(path), sha256: await sha256OfFile(path) })),
    )
    const known = debian && { version: debian.version, purl: debian.purl }
    described.push(await describe(library, debian, { ...known, files }))
  }
  return described
}

async function describe(
  library: SystemLibrary,
  debian: DebianPackage | undefined,
  known: Partial<Component>,
): Promise<LicensedComponent> {
  const { name, licence } = library
  return await withLicences({ ref: name, name, licence, ...known }, licencesOf(library, debian))
}

function byBaseName(a: string, b: string): number {
  return basename(a) < basename(b) ? -1 : 1
}

function unknownLibrary(path: string): SystemLibrary {
  const name = basename(path)
  return { name, licence: 'NOASSERTION', commonLicence: '', files: /$^/ }
}

/** Where the licences are on a Debian system; none are known on others. */
function licencesOf(
  { name, commonLicence, exception, isPart }: SystemLibrary,
  debian: DebianPackage | undefined,
): ReadonlyMap<string, string> {
  if (!debian) return new Map()
  const files = {
    [`system/${name}/copyright`]: !isPart && `/usr/share/doc/${debian.name}/copyright`,
    [`system/common-licenses/${commonLicence}`]:
      commonLicence && `/usr/share/common-licenses/${commonLicence}`,
    [`system/${name}/${basename(exception ?? '')}`]: exception,
  }
  return new Map(
    Object.entries(files).flatMap(([path, file]) =>
      file && existsSync(file) ? [[path, file]] : [],
    ),
  )
}

interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly purl: string
}

/** The package that a file is from; undefined on systems without dpkg. */
async function debianPackageOf(path: string): Promise<DebianPackage | undefined> {
  if (!(await which('dpkg-query', { nothrow: true }))) return undefined
  const real = await realpath(path)
  // dpkg knows a file by the path that its package has, which /lib being a link to /usr/lib makes ambiguous.
  const names = new Set([path, real, `/usr${path}`, real.replace(/^\/usr\//, '/')])
  const run = $({ nothrow: true, env: { ...process.env, LC_ALL: 'C' } })
  const found = await run`dpkg-query --search ${[...names]}`
  const owner = /^([^,:\s]+)[^\n]*: \//m.exec(found.stdout)?.[1]
  if (!owner) return undefined
  const shown = await run`dpkg-query --show --showformat='\${Version} \${Architecture}\n' ${owner}`
  const [version, arch] = shown.stdout.split(/\s/)
  if (!version || !arch) return undefined
  const system = await run`. /etc/os-release && echo $ID`
  const vendor = system.stdout.trim() || 'debian'
  const purl = purlOf('deb', vendor, owner, version, { arch })
  return { name: owner, version, purl }
}
