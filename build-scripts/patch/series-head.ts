import { join } from 'node:path'
import { z } from 'zod'
import type { BuildContext } from '../context.ts'
import { readJsonIfValid, writeFileDurably } from '../durable-files.ts'
import { gitIn } from '../git.ts'
import { sha256OfJson } from '../hash.ts'
import { applySeries } from './apply-series.ts'

const recordSchema = z.object({ key: z.string(), head: z.string() })

/** The commit that the series leads to; from the record of an earlier run when neither sources nor patches changed. */
export async function seriesHead({ cache, pin, series, signal }: BuildContext): Promise<string> {
  const record = join(cache.tree, '.git', 'v8-rawmem-series.json')
  const key = sha256OfJson({ tree: pin.source.tree, series: series.hash })
  const known = await readJsonIfValid(record, recordSchema)
  if (known?.key === key && (await isThere(cache.tree, known.head, signal))) return known.head

  const head = await applySeries(cache.tree, series.patches, signal)
  await writeFileDurably(record, JSON.stringify({ key, head }))
  return head
}

async function isThere(tree: string, commit: string, signal: AbortSignal): Promise<boolean> {
  const found = await gitIn(tree, signal)({ nothrow: true })`git cat-file -e ${`${commit}^{tree}`}`
  return found.exitCode === 0
}
