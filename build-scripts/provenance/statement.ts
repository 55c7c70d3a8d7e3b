import type { Json } from '../shared/hash.ts'
import type { Pin, PinnedArchive } from '../shared/pin.ts'
import { type Component, type Digests, purlOf } from './component.ts'

/** What something was built of: a file, a package, a commit. It has a URI, a digest, or both. */
export interface Dependency {
  readonly name: string
  readonly uri?: string
  readonly digest?: Digests & { readonly gitCommit?: string; readonly gitTree?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** What a statement says, without what all of them have in common. docs/provenance.md explains the kinds. */
export interface BuildClaim {
  readonly artifact: { readonly name: string; readonly digest: Digests }
  readonly kind: 'sdk' | 'addon' | 'npm-package'
  readonly parameters: Readonly<Record<string, Json>>
  readonly dependencies: readonly Dependency[]
  /** The bill of materials that was written with the statement. */
  readonly bill: { readonly name: string; readonly digest: Digests }
}

/**
 * The text of an in-toto Statement v1 with a SLSA Provenance v1 predicate. Equal claims give equal
 * bytes, so a statement can be checked by making it again.
 */
export function writeStatement(claim: BuildClaim): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [claim.artifact],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: `urn:v8-rawmem:build:${claim.kind}:1`,
        externalParameters: claim.parameters,
        resolvedDependencies: claim.dependencies,
      },
      runDetails: {
        builder: { id: 'urn:v8-rawmem:builder:npm-scripts:1' },
        byproducts: [claim.bill],
      },
    },
  }
  return `${JSON.stringify(statement, null, 2)}\n`
}

/** What decides the V8 that gets built. */
export interface V8Inputs {
  readonly pin: Pin
  /** SHA-256 of v8.lock.json, the file. */
  readonly lock: string
  /** In order. */
  readonly patches: readonly { readonly name: string; readonly sha256: string }[]
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
