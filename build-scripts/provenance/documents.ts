import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { writeFileDurably } from '../shared/files.ts'
import { digestsOfFile, type Json, sha256, sha256OfFile } from '../shared/hash.ts'
import { type BillOfMaterials, readBill, writeBill } from './bill-of-materials.ts'
import type { Digests } from './component.ts'
import { isPermitted } from './permitted-licences.ts'
import type { Claim } from './statement.ts'

/** The paths of the two documents beside an artifact: its bill of materials, and its statement of provenance. */
export function documentsOf(artifact: string): { bill: string; statement: string } {
  return { bill: `${artifact}.cdx.json`, statement: `${artifact}.intoto.json` }
}

/** Writes an artifact's bill of materials and its statement of provenance beside it. */
export async function writeDocuments(
  artifact: string,
  { bill, claim }: { bill: BillOfMaterials; claim: Claim },
): Promise<void> {
  const documents = documentsOf(artifact)
  const text = await writeBill(bill)
  await writeFileDurably(documents.bill, text)
  const statement = statementOf(artifact, claim, bill, bill.artifact.digests, text)
  await writeFileDurably(documents.statement, statement)
}

/**
 * The text of an in-toto Statement v1 with a SLSA Provenance v1 predicate. Equal claims give equal
 * bytes, so a statement can be checked by making it again.
 *
 * @param billText the bill as it lies beside the artifact: the statement names it by its hash
 */
function statementOf(
  artifact: string,
  claim: Claim,
  bill: BillOfMaterials,
  digest: Digests,
  billText: string,
): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    // A package has its purl for a name, as with npm itself, anything else its file.
    subject: [{ name: bill.artifact.purl ?? basename(artifact), digest }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: `urn:v8-rawmem:build:${claim.kind}:1`,
        externalParameters: claim.parameters,
        resolvedDependencies: claim.dependencies,
      },
      runDetails: {
        builder: { id: 'urn:v8-rawmem:builder:npm-scripts:1' },
        byproducts: [
          { name: basename(documentsOf(artifact).bill), digest: { sha256: sha256(billText) } },
        ],
      },
    },
  }
  return `${JSON.stringify(statement, null, 2)}\n`
}

/**
 * Checks an artifact against its documents, and its statement against what it should claim. The bill of materials is the
 * one that the statement names by its hash.
 *
 * @param root the folder that the bill's paths of licences lead from
 * @param claimOf what a statement of this checkout would claim
 * @returns what is wrong
 */
export async function checkDocuments(
  artifact: string,
  root: string,
  claimOf: (bill: BillOfMaterials) => Promise<Claim>,
): Promise<string[]> {
  const documents = documentsOf(artifact)
  const missing = [artifact, documents.bill, documents.statement].filter(
    (path) => !existsSync(path),
  )
  if (missing.length > 0) return missing.map((path) => `${path} is not there`)

  const name = basename(documents.bill)
  const billText = await readFile(documents.bill, 'utf8')
  const bill = await readBill(billText, name).catch((error) => {
    if (error instanceof AdvisedError) return error.message
    throw error
  })
  if (typeof bill === 'string') return [bill]

  const problems: string[] = []
  const digests = await digestsOfFile(artifact)
  for (const [kind, said] of Object.entries(bill.artifact.digests)) {
    const found = digests[kind as keyof Digests]
    if (said !== found) problems.push(`${name}: has ${kind} ${said}, but ${artifact} has ${found}`)
  }
  problems.push(...(await licenceProblems(bill, root)))
  const digest = bill.artifact.digests.sha512 ? digests : { sha256: digests.sha256 }
  const expected = statementOf(artifact, await claimOf(bill), bill, digest, billText)
  const found = await readFile(documents.statement, 'utf8')
  problems.push(...compare(basename(documents.statement), expected, found))
  return problems
}

function compare(name: string, expected: string, found: string): string[] {
  if (expected === found) return []
  let said: Json
  try {
    said = JSON.parse(found)
  } catch {
    return [`${name} is not JSON`]
  }
  const differences = jsonDifferences(JSON.parse(expected), said)
  if (differences.length === 0) return [`${name}: says what it should, but in other bytes`]
  return differences.map((difference) => `${name}: ${difference}`)
}

/** Everything inside an artifact has to have a licence, and the file that is named has to be there. */
async function licenceProblems(
  { artifact, components, licences }: BillOfMaterials,
  root: string,
): Promise<string[]> {
  const problems: string[] = []
  for (const { ref, licence, texts, inside } of [artifact, ...components]) {
    if (inside && !isPermitted(licence)) problems.push(`${ref}: ${licence} is not permitted inside`)
    if (inside && texts.length === 0) problems.push(`${ref}: no licence of it is named`)
    for (const { path, sha256: said } of texts) {
      const file = join(licences, path)
      const found = await sha256OfFile(join(root, file)).catch(() => undefined)
      if (found === undefined) problems.push(`${ref}: its licence ${file} is not there`)
      else if (found !== said) problems.push(`${ref}: its licence ${file} is another one`)
    }
  }
  return problems
}

/** Where a document says something else than it should, and what; in the order of `expected`. */
export function jsonDifferences(
  expected: Json | undefined,
  found: Json | undefined,
  place = '',
): string[] {
  const [wanted, there] = [membersOf(expected), membersOf(found)]
  if (wanted && there) {
    return [...new Set([...wanted.keys(), ...there.keys()])].flatMap((name) =>
      jsonDifferences(wanted.get(name), there.get(name), place ? `${place} › ${name}` : name),
    )
  }
  if (expected === found) return []
  if (found === undefined) return [`${place}: is missing`]
  if (expected === undefined) return [`${place}: should not be there`]
  return [`${place}: is ${show(found)}, should be ${show(expected)}`]
}

/** What an object or a list has, the items of a list by what each is called, or by its number. */
function membersOf(value: Json | undefined): Map<string, Json | undefined> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!Array.isArray(value)) return new Map(Object.entries(value))
  const named = new Map<string, Json>()
  for (const [index, item] of value.entries()) {
    const name = item?.['bom-ref'] ?? item?.ref ?? item?.name ?? item?.url
    named.set(typeof name === 'string' && !named.has(name) ? name : String(index), item)
  }
  return named
}

function show(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
