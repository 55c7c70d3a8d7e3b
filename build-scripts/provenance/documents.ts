import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BuildError } from '../shared/build-error.ts'
import { writeFileDurably } from '../shared/files.ts'
import { digestsOfFile, type Json, sha256, sha256OfFile } from '../shared/hash.ts'
import { type BillOfMaterials, readBill, writeBill } from './bill-of-materials.ts'
import type { Digests } from './component.ts'
import { isPermitted } from './permitted-licences.ts'
import { type BuildClaim, writeStatement } from './statement.ts'

/** The two documents that lie beside an artifact. */
export interface Documents {
  /** The path of the bill of materials. */
  readonly bill: string
  /** The path of the statement of provenance. */
  readonly statement: string
}

export function documentsOf(artifact: string): Documents {
  return { bill: `${artifact}.cdx.json`, statement: `${artifact}.intoto.json` }
}

/** What an artifact's documents say. */
export interface Description {
  readonly bill: BillOfMaterials
  readonly claim: Omit<BuildClaim, 'artifact' | 'bill'>
}

/** Writes an artifact's bill of materials and its statement of provenance beside it. */
export async function writeDocuments(
  artifact: string,
  { bill, claim }: Description,
): Promise<Documents> {
  const documents = documentsOf(artifact)
  const text = await writeBill(bill)
  await writeFileDurably(documents.bill, text)
  const statement = statementOf(artifact, claim, bill, bill.artifact.digests, text)
  await writeFileDurably(documents.statement, statement)
  return documents
}

/** @param billText the bill as it lies beside the artifact: the statement names it by its hash */
function statementOf(
  artifact: string,
  claim: Description['claim'],
  bill: BillOfMaterials,
  digest: Digests,
  billText: string,
): string {
  return writeStatement({
    ...claim,
    // A package has its purl for a name, as with npm itself, anything else its file.
    artifact: { name: bill.artifact.purl ?? basename(artifact), digest },
    bill: { name: basename(documentsOf(artifact).bill), digest: { sha256: sha256(billText) } },
  })
}

/** What an artifact's documents have to agree with. */
interface Expectation {
  /** The folder that the bill's paths of licences lead from. */
  readonly root: string
  /**
   * What the documents should say, going by this checkout. Where only the builder can know what is inside, the bill of
   * materials is believed, which the statement names by its hash, and no other is returned.
   */
  describe(bill: BillOfMaterials): Promise<Omit<Description, 'bill'> & Partial<Description>>
}

/** Checks an artifact against its documents, and those against what is expected. Returns what is wrong. */
export async function checkDocuments(
  artifact: string,
  expectation: Expectation,
): Promise<string[]> {
  const documents = documentsOf(artifact)
  const missing = [artifact, documents.bill, documents.statement].filter(
    (path) => !existsSync(path),
  )
  if (missing.length > 0) return missing.map((path) => `${path} is not there`)

  const names = { bill: basename(documents.bill), statement: basename(documents.statement) }
  const billText = await readFile(documents.bill, 'utf8')
  const statementText = await readFile(documents.statement, 'utf8')
  const problems: string[] = []
  if (!isJson(statementText)) problems.push(`${names.statement} is not JSON`)
  const bill = await readBill(billText, names.bill).catch((error) => {
    if (!(error instanceof BuildError)) throw error
    problems.push(error.message)
  })
  if (!bill || problems.length > 0) return problems

  const digests = await digestsOfFile(artifact)
  for (const kind of ['sha256', 'sha512'] as const) {
    const said = bill.artifact.digests[kind]
    if (said !== undefined && said !== digests[kind]) {
      problems.push(`${names.bill}: has ${kind} ${said}, but ${artifact} has ${digests[kind]}`)
    }
  }
  problems.push(...(await licenceProblems(bill, expectation.root)))
  const { claim, bill: expectedBill } = await expectation.describe(bill)
  if (expectedBill) {
    problems.push(...compare(names.bill, await writeBill(expectedBill), billText))
  }
  const digest = bill.artifact.digests.sha512 ? digests : { sha256: digests.sha256 }
  const statement = statementOf(artifact, claim, bill, digest, billText)
  problems.push(...compare(names.statement, statement, statementText))
  return problems
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function compare(name: string, expected: string, found: string): string[] {
  if (expected === found) return []
  const differences = jsonDifferences(JSON.parse(expected) as Json, JSON.parse(found) as Json)
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
export function jsonDifferences(expected: Json, found: Json | undefined, place = ''): string[] {
  if (isObject(expected) && isObject(found)) {
    return compareMembers(new Map(Object.entries(expected)), new Map(Object.entries(found)), place)
  }
  if (Array.isArray(expected) && Array.isArray(found)) {
    return compareMembers(byName(expected), byName(found), place)
  }
  if (expected === found) return []
  return [`${place}: is ${show(found)}, should be ${show(expected)}`]
}

function compareMembers(
  expected: ReadonlyMap<string, Json | undefined>,
  found: ReadonlyMap<string, Json | undefined>,
  place: string,
): string[] {
  const problems: string[] = []
  const at = (name: string) => (place ? `${place} › ${name}` : name)
  for (const [name, value] of expected) {
    if (value === undefined) continue
    if (found.has(name)) problems.push(...jsonDifferences(value, found.get(name), at(name)))
    else problems.push(`${at(name)}: is missing`)
  }
  for (const name of found.keys()) {
    if (!expected.has(name)) problems.push(`${at(name)}: should not be there`)
  }
  return problems
}

/** The items of a list by what each is called, or by its number. */
function byName(items: readonly Json[]): Map<string, Json> {
  const named = new Map<string, Json>()
  for (const [index, item] of items.entries()) {
    const name = isObject(item) ? (item['bom-ref'] ?? item.ref ?? item.name ?? item.url) : undefined
    const key = typeof name === 'string' && !named.has(name) ? name : String(index)
    named.set(key, item)
  }
  return named
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
