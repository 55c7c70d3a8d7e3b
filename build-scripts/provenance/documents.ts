import { basename } from 'node:path'
import { writeFileDurably } from '../durable-files.ts'
import { sha256 } from '../hash.ts'
import { type BillOfMaterials, writeBill } from './bill-of-materials.ts'
import { type BuildClaim, statementOf, writeStatement } from './statement.ts'

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

/** What a statement calls an artifact: a package by its purl, as npm itself does, anything else by its file. */
export function subjectOf(artifact: string, bill: BillOfMaterials): string {
  return bill.artifact.purl ?? basename(artifact)
}

/** Writes an artifact's bill of materials and its statement of provenance beside it. */
export async function writeDocuments(
  artifact: string,
  { bill, claim }: Description,
): Promise<Documents> {
  const documents = documentsOf(artifact)
  const text = await writeBill(bill)
  await writeFileDurably(documents.bill, text)
  const statement = statementOf({
    ...claim,
    artifact: { name: subjectOf(artifact, bill), digest: bill.artifact.digests },
    bill: { name: basename(documents.bill), digest: { sha256: sha256(text) } },
  })
  await writeFileDurably(documents.statement, writeStatement(statement))
  return documents
}
