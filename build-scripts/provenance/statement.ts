import { join } from 'node:path'
import { type Json, sha256OfFile } from '../shared/hash.ts'
import { loadPin, lockName, type Pin, type PinnedArchive, readSeries } from '../shared/pin.ts'
import { type Component, type Digests, purlOf } from './component.ts'

/** What something was built of: a file, a package, a commit. It has a URI, a digest, or both. */
export interface Dependency {
  readonly name: string
  readonly uri?: string
  readonly digest?: Digests & { readonly gitCommit?: string; readonly gitTree?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** What a statement says besides the artifact and its bill. docs/provenance.md explains the kinds. */
export interface Claim {
  readonly kind: 'sdk' | 'addon' | 'npm-package'
  readonly parameters: Readonly<Record<string, Json>>
  readonly dependencies: readonly Dependency[]
}

/** What decides the V8 that gets built. */
export interface V8Inputs {
  readonly pin: Pin
  /** SHA-256 of v8.lock.json, the file. */
  readonly lock: string
  /** In order. */
  readonly patches: readonly { readonly name: string; readonly sha256: string }[]
}

/** What decides the V8 that is built of a checkout; or, of an SDK's sources, of what its V8 was built. */
export async function v8InputsOf(project: string): Promise<V8Inputs> {
  const pin = await loadPin(project)
  const { patches } = await readSeries(project, pin)
  return { pin, lock: await sha256OfFile(join(project, lockName)), patches }
}

/** What a patched V8 is made of, as dependencies of what has it inside. */
export function v8Dependencies({ pin, lock, patches }: V8Inputs): Dependency[] {
  return [
    archiveDependency(pin.source.archive),
    { name: 'sources as a git tree', digest: { gitTree: pin.source.tree } },
    archiveDependency(pin.gn.archive),
    { name: 'v8.lock.json', digest: { sha256: lock } },
    ...patches.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
  ]
}

function archiveDependency({ file, sha256, debian }: PinnedArchive): Dependency {
  if (!debian) return { name: file, digest: { sha256 } }
  const { package: name, version, suite } = debian
  const qualifiers = { arch: 'source', distro: suite }
  const uri = purlOf('deb', 'debian', name, version, qualifiers)
  return { name: file, uri, digest: { sha256 } }
}

/** The compiler and the system's libraries, as far as their versions decide about bytes. */
export function toolDependencies({
  compiler,
  libraries,
}: {
  compiler: string
  libraries: Readonly<Record<string, string>>
}): Dependency[] {
  const name = /clang/i.test(compiler) ? 'clang' : 'c++'
  return [
    tool('compiler', name, /\d+\.\d+(\.\d+)?/.exec(compiler)?.[0], compiler),
    ...Object.entries(libraries).map(([library, version]) =>
      tool(`${library} headers`, library, version.split(' ')[0], version),
    ),
  ]
}

function tool(role: string, name: string, version: string | undefined, said: string): Dependency {
  const uri = purlOf('generic', undefined, name, version)
  return { name: role, uri, annotations: { version: said } }
}

/** The object files and static libraries of the system that were linked. */
export function linkedDependencies(components: readonly Component[]): Dependency[] {
  return components
    .flatMap(({ files, purl }) =>
      files.map(({ name, sha256 }) => ({ name, ...(purl && { uri: purl }), digest: { sha256 } })),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
