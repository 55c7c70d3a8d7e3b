import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BuildError } from '../build-error.ts'
import { digestsOfFile, type Json, sha256, sha256OfFile } from '../hash.ts'
import { type BillOfMaterials, readBill, writeBill } from './bill-of-materials.ts'
import { type Description, documentsOf, subjectOf } from './documents.ts'
import { jsonDifferences } from './json-differences.ts'
import { isPermitted } from './permitted-licences.ts'
import { readStatement, statementOf, writeStatement } from './statement.ts'

/** What an artifact's documents have to agree with. */
export interface Expectation {
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
  const text = {
    bill: await readFile(documents.bill, 'utf8'),
    statement: await readFile(documents.statement, 'utf8'),
  }
  const problems: string[] = []
  const bill = await readBill(text.bill, names.bill).catch(noted(problems))
  const statement = await readStatement(text.statement, names.statement).catch(noted(problems))
  if (!bill || !statement) return problems

  const digests = await digestsOfFile(artifact)
  for (const kind of ['sha256', 'sha512'] as const) {
    const said = bill.artifact.digests[kind]
    if (said !== undefined && said !== digests[kind]) {
      problems.push(`${names.bill}: has ${kind} ${said}, but ${artifact} has ${digests[kind]}`)
    }
  }
  problems.push(...(await licenceProblems(bill, expectation.root)))
  const { claim, bill: expectedBill } = await expectation.describe(bill)
  const expected = statementOf({
    ...claim,
    artifact: {
      name: subjectOf(artifact, bill),
      digest: { sha256: digests.sha256, ...(bill.artifact.digests.sha512 && digests) },
    },
    bill: { name: names.bill, digest: { sha256: sha256(text.bill) } },
  })
  if (expectedBill) {
    problems.push(...compare(names.bill, await writeBill(expectedBill), text.bill))
  }
  problems.push(...compare(names.statement, writeStatement(expected), text.statement))
  return problems
}

/** Turns an error that a person can act on into a problem. */
function noted(problems: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof BuildError)) throw error
    problems.push(error.message)
    return undefined
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
