import { PackageURL } from 'packageurl-js'
import { z } from 'zod'
import { BuildError } from '../shared/build-error.ts'
import type { Json } from '../shared/hash.ts'
import type { Pin, PinnedArchive } from '../shared/pin.ts'
import { type Component, type Digests, digestsSchema } from './component.ts'

/** What something was built of: a file, a package, a commit. */
const dependencySchema = z
  .strictObject({
    name: z.string().min(1),
    uri: z
      .string()
      .regex(/^(pkg|urn):/)
      .optional(),
    digest: digestsSchema
      .extend({
        gitCommit: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/),
        gitTree: z.string().regex(/^[0-9a-f]{40}$/),
      })
      .partial()
      .optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  })
  .refine(({ uri, digest }) => uri !== undefined || digest !== undefined, {
    message: 'must have a uri or a digest',
  })
export type Dependency = z.infer<typeof dependencySchema>

const jsonSchema: z.ZodType<Json> = z.json()

/** An in-toto Statement v1 with a SLSA Provenance v1 predicate, in the shape these scripts give it. */
const statementSchema = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.tuple([z.strictObject({ name: z.string().min(1), digest: digestsSchema })]),
  predicateType: z.literal('https://slsa.dev/provenance/v1'),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: z.string().startsWith('urn:'),
      externalParameters: z.record(z.string(), jsonSchema),
      resolvedDependencies: z.array(dependencySchema).nonempty(),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({ id: z.string().startsWith('urn:') }),
      byproducts: z.tuple([z.strictObject({ name: z.string().min(1), digest: digestsSchema })]),
    }),
  }),
})
type Statement = z.infer<typeof statementSchema>

/** What a statement says, without what all of them have in common. docs/provenance.md explains the kinds. */
export interface BuildClaim {
  readonly artifact: { readonly name: string; readonly digest: Digests }
  readonly kind: 'sdk' | 'addon' | 'npm-package'
  readonly parameters: Readonly<Record<string, Json>>
  readonly dependencies: readonly Dependency[]
  /** The bill of materials that was written with the statement. */
  readonly bill: { readonly name: string; readonly digest: Digests }
}

/** The claim in the shape of an in-toto statement. */
export function statementOf(claim: BuildClaim): Statement {
  return statementSchema.parse({
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
  })
}

/** A statement's text: equal statements give equal bytes. */
export function writeStatement(statement: Statement): string {
  return `${JSON.stringify(statement, null, 2)}\n`
}

/** Reads a statement and checks its shape. */
export async function readStatement(text: string, name: string): Promise<Statement> {
  const advice =
    'It was damaged, or another program wrote it. Get it anew from where the artifact is from.'
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new BuildError(`${name} is not JSON: ${(cause as Error).message}`, advice, { cause })
  }
  const parsed = statementSchema.safeParse(content)
  if (parsed.success) return parsed.data
  throw new BuildError(
    `${name} is no provenance statement of this project:\n${z.prettifyError(parsed.error)}`,
    advice,
  )
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
  const uri = new PackageURL('deb', 'debian', name, version, qualifiers, undefined).toString()
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
  const uri = new PackageURL('generic', undefined, name, version, undefined, undefined).toString()
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
