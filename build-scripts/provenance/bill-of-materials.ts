import { Contrib, Enums, Models, Serialize, Spec, Validation } from '@cyclonedx/cyclonedx-library'
import parseSpdx from 'spdx-expression-parse'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { type Component, componentSchema } from './component.ts'

/** What an artifact is and what it is made of. */
export interface BillOfMaterials {
  readonly artifact: Component
  readonly components: readonly Component[]
  /** The artifact's folder with the licences, relative to where the licences' paths are to be looked for. */
  readonly licences: string
}

const deliveryProperty = 'v8-rawmem:delivery'
const { ComponentScope, ComponentType, ExternalReferenceType, HashAlgorithm } = Enums
const algorithms = { sha256: HashAlgorithm['SHA-256'], sha512: HashAlgorithm['SHA-512'] } as const

/** The bill as a CycloneDX document. The same bill gives the same text: it has no time and no serial number. */
export async function writeBill(bill: BillOfMaterials): Promise<string> {
  const normalize = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6).makeForBom()
  // The library would sort by the locale of this machine; all lists here have an order.
  const document: Document = normalize.normalize(modelOf(bill), {})
  addPedigrees(document, bill.components)
  const text = `${JSON.stringify(document, null, 2)}\n`
  const errors = await schemaErrors(text)
  if (errors) throw new Error(`The bill of materials is no valid CycloneDX document:\n${errors}`)
  return text
}

/** Reads a CycloneDX document that {@link writeBill} has written, and checks it against CycloneDX's schema. */
export async function readBill(text: string, name: string): Promise<BillOfMaterials> {
  const errors = await schemaErrors(text)
  if (errors) throw unreadable(`${name} is no valid CycloneDX document:\n${errors}`)
  const { metadata, components = [], dependencies = [] }: Document = JSON.parse(text)
  const needs = new Map(dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]))
  const licences = metadata?.properties?.find(({ name }) => name === licencesProperty)?.value ?? ''
  const read = (part?: Part) =>
    componentSchema.parse(part && defined(componentOf(part, licences, needs)))
  try {
    return { artifact: read(metadata?.component), components: components.map(read), licences }
  } catch (cause) {
    // CycloneDX's schema lets pass some that make no component.
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    throw unreadable(`${name} is not valid:\n${reason}`)
  }
}

function unreadable(message: string): AdvisedError {
  return new AdvisedError(
    message,
    'It was damaged, or another program wrote it. Get it anew from where the artifact is from.',
  )
}

const licencesProperty = 'v8-rawmem:licences'

function modelOf({ artifact, components, licences }: BillOfMaterials): Models.Bom {
  const parts = new Map<string, Models.Component>()
  for (const part of [artifact, ...components])
    parts.set(part.ref, modelOfComponent(part, licences))
  for (const part of [artifact, ...components]) {
    for (const ref of part.needs) {
      const needed = parts.get(ref)
      if (!needed)
        throw new Error(`${part.ref} needs ${ref}, which is not in the bill of materials`)
      parts.get(part.ref)!.dependencies.add(needed.bomRef)
    }
  }
  return new Models.Bom({
    metadata: new Models.Metadata({
      lifecycles: new Models.LifecycleRepository([Enums.LifecyclePhase.Build]),
      component: parts.get(artifact.ref)!,
      properties: new Models.PropertyRepository([new Models.Property(licencesProperty, licences)]),
    }),
    components: new Models.ComponentRepository(components.map(({ ref }) => parts.get(ref)!)),
  })
}

function modelOfComponent(part: Component, licences: string): Models.Component {
  const { name, version, description, purl } = part
  return new Models.Component(ComponentType.Library, name, {
    bomRef: part.ref,
    ...defined({ version, description, purl }),
    scope: part.optional ? ComponentScope.Optional : ComponentScope.Required,
    hashes: hashesOf(part.digests),
    licenses: new Models.LicenseRepository([licenceFactory.makeFromString(part.licence)]),
    externalReferences: new Models.ExternalReferenceRepository(referencesOf(part, licences)),
    components: new Models.ComponentRepository(
      part.files.map(
        ({ name, sha256 }) =>
          new Models.Component(ComponentType.File, name, {
            bomRef: `${part.ref}/${name}`,
            hashes: hashesOf({ sha256 }),
          }),
      ),
    ),
    properties: new Models.PropertyRepository([
      new Models.Property(deliveryProperty, part.inside ? 'inside' : 'beside'),
    ]),
  })
}

const licenceFactory = new Contrib.License.Factories.LicenseFactory(parseSpdx)

function referencesOf(part: Component, licences: string): Models.ExternalReference[] {
  const references = part.texts.map(
    ({ path, sha256 }) =>
      new Models.ExternalReference(encodeURI(`${licences}${path}`), ExternalReferenceType.License, {
        hashes: hashesOf({ sha256 }),
      }),
  )
  if (part.website) {
    references.push(new Models.ExternalReference(part.website, ExternalReferenceType.Website))
  }
  if (part.source) {
    const { name, sha256 } = part.source
    references.push(
      new Models.ExternalReference(encodeURI(name), ExternalReferenceType.SourceDistribution, {
        hashes: hashesOf({ sha256 }),
      }),
    )
  }
  return references
}

function hashesOf(digests: Component['digests']): Models.HashDictionary {
  const hashes = Object.entries(defined(digests)) as [keyof typeof algorithms, string][]
  return new Models.HashDictionary(hashes.map(([name, value]) => [algorithms[name], value]))
}

function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as never
}

/** The library has no model of a pedigree. */
function addPedigrees(document: Document, components: readonly Component[]): void {
  for (const { ref, name, patched } of components) {
    if (!patched) continue
    const part = document.components!.find((candidate) => candidate['bom-ref'] === ref)!
    part.pedigree = {
      ancestors: [{ type: 'library', name, version: patched.version, purl: patched.purl }],
      patches: patched.patches.map((url) => ({ type: 'unofficial', diff: { url } })),
    }
  }
}

async function schemaErrors(text: string): Promise<string | undefined> {
  try {
    JSON.parse(text)
  } catch (error) {
    return (error as Error).message
  }
  const errors = await validator.validate(text)
  if (errors === null) return undefined
  return (errors as { instancePath?: string; message?: string }[])
    .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
    .join('\n')
}

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)

/** A component as it stands in the document. The library knows no pedigrees. */
type Part = Serialize.JSON.Types.Normalized.Component & {
  pedigree?: {
    ancestors: { type: 'library'; name: string; version: string; purl: string }[]
    patches: { type: 'unofficial'; diff: { url: string } }[]
  }
}
type Document = Omit<Serialize.JSON.Types.Normalized.Bom, 'components'> & { components?: Part[] }

/** What {@link modelOfComponent} was made from. */
function componentOf(
  part: Part,
  licences: string,
  needs: ReadonlyMap<string, readonly string[]>,
): Record<keyof Component, unknown> {
  const { name, version, description, purl, pedigree, externalReferences = [] } = part
  const [licence] = part.licenses ?? []
  const references = externalReferences.map(({ type, url, hashes }) => ({
    type,
    url: decodeURI(url),
    ...digestsOf(hashes),
  }))
  const source = references.find(({ type }) => type === 'source-distribution')
  const ancestor = pedigree?.ancestors[0]
  return {
    ref: part['bom-ref'],
    name,
    version,
    description,
    purl,
    website: references.find(({ type }) => type === 'website')?.url,
    licence:
      licence && ('expression' in licence ? licence.expression : Object.values(licence.license)[0]),
    texts: references
      .filter(({ type }) => type === 'license')
      .map(({ url, sha256 }) => ({ path: url.slice(licences.length), sha256 })),
    digests: digestsOf(part.hashes),
    source: source && { name: source.url, sha256: source.sha256 },
    patched: ancestor && {
      version: ancestor.version,
      purl: ancestor.purl,
      patches: pedigree.patches.map(({ diff }) => diff.url),
    },
    files: (part.components ?? []).map(({ name, hashes }) => ({ name, ...digestsOf(hashes) })),
    inside: part.properties?.some(
      ({ name, value }) => name === deliveryProperty && value === 'inside',
    ),
    optional: part.scope === 'optional',
    needs: needs.get(part['bom-ref']!) ?? [],
  }
}

function digestsOf(hashes: Part['hashes'] = []): Component['digests'] {
  return Object.fromEntries(
    hashes.map(({ alg, content }) => [alg === 'SHA-256' ? 'sha256' : 'sha512', content]),
  )
}
