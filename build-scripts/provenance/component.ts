import { PackageURL } from 'packageurl-js'
import { z } from 'zod'
import { sha256OfFile } from '../shared/hash.ts'
import { hex, innerPath } from '../shared/pin.ts'

/** SHA-256 and SHA-512 of one thing, in hexadecimal; either may be missing. */
const digestsSchema = z.strictObject({
  sha256: hex(64).optional(),
  sha512: hex(128).optional(),
})
export type Digests = z.infer<typeof digestsSchema>

const namedFileSchema = z.strictObject({ name: z.string(), sha256: hex(64) })

export const componentSchema = z.strictObject({
  /** What the other components of a document call it. */
  ref: z.string().min(1),
  name: z.string().min(1),
  version: z.string().optional(),
  description: z.string().optional(),
  purl: z.string().startsWith('pkg:').optional(),
  website: z.string().optional(),
  /** An SPDX expression. */
  licence: z.string().min(1),
  /** Where its licences are, under the artifact's folder of licences. */
  texts: z.array(z.strictObject({ path: innerPath, sha256: hex(64) })),
  digests: digestsSchema,
  /** The archive that its source came in. */
  source: namedFileSchema.optional(),
  /** What it was before the patches, and their files in order. */
  patched: z
    .strictObject({ version: z.string(), purl: z.string(), patches: z.array(innerPath) })
    .optional(),
  /** The files of it that were linked. */
  files: z.array(namedFileSchema),
  /** Whether the artifact has it inside; otherwise npm installs it beside, and it brings its own licence. */
  inside: z.boolean(),
  /** Whether the artifact can do without it. */
  optional: z.boolean(),
  /** The refs of what it needs. */
  needs: z.array(z.string()),
})

/** A part of an artifact, or the artifact itself, as a bill of materials lists it. */
export type Component = z.infer<typeof componentSchema>

/** A component that is inside and of which no more is known than is given. */
export function component(
  known: Pick<Component, 'ref' | 'name' | 'licence'> & Partial<Component>,
): Component {
  return { texts: [], digests: {}, files: [], inside: true, optional: false, needs: [], ...known }
}

/** A component, and for each of its licences, by the path that the component says, the file to copy. */
export interface LicensedComponent {
  readonly component: Component
  readonly licences: ReadonlyMap<string, string>
}

export async function withLicences(
  known: Parameters<typeof component>[0],
  licences: ReadonlyMap<string, string>,
): Promise<LicensedComponent> {
  return { component: component({ ...known, texts: await hashTexts(licences) }), licences }
}

/** The URL by which others know a package, as the specification of package URLs writes it. */
export function purlOf(
  type: string,
  namespace: string | undefined,
  name: string,
  version: string | undefined,
  qualifiers?: Record<string, string>,
): string {
  return new PackageURL(type, namespace, name, version, qualifiers, undefined).toString()
}

/** What a component says of its licences, given the file of each by the path that it is to have. */
export async function hashTexts(
  licences: ReadonlyMap<string, string>,
): Promise<Component['texts']> {
  return await Promise.all(
    [...licences].map(async ([path, file]) => ({ path, sha256: await sha256OfFile(file) })),
  )
}

/** The components of several lists, each once, by ref. What one list does not know, another may. */
export function mergeComponents(...lists: readonly (readonly Component[])[]): Component[] {
  const merged = new Map<string, Component>()
  for (const next of lists.flat()) {
    const known = merged.get(next.ref)
    merged.set(next.ref, known ? mergeTwo(known, next) : next)
  }
  return [...merged.values()].sort((a, b) => (a.ref < b.ref ? -1 : 1))
}

function mergeTwo(a: Component, b: Component): Component {
  return {
    ...b,
    ...a,
    texts: unique([...a.texts, ...b.texts], ({ path }) => path),
    files: unique([...a.files, ...b.files], ({ name, sha256 }) => `${name} ${sha256}`),
    needs: [...new Set([...a.needs, ...b.needs])].sort(),
    inside: a.inside || b.inside,
    optional: a.optional && b.optional,
  }
}

function unique<T>(items: readonly T[], key: (item: T) => string): T[] {
  const byKey = new Map(items.map((item) => [key(item), item]))
  return [...byKey.keys()].sort().map((name) => byKey.get(name)!)
}
