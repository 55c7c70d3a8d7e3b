import { join } from 'node:path'
import { z } from 'zod'
import { requireFetched, upstreamTag } from '../fetch/fetch.ts'
import type { BuildContext } from '../shared/context.ts'
import { readJsonIfValid, writeFileDurably } from '../shared/files.ts'
import { gitIn } from '../shared/git.ts'
import { sha256OfJson } from '../shared/hash.ts'
import { say, sayStage } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { applySeries, exportSeries } from './series.ts'
import { WorkTree } from './work-tree.ts'

/** Puts the work tree onto the patch series. */
export async function patch(
  context: BuildContext,
  { force = false }: { force?: boolean } = {},
): Promise<void> {
  const { cache, series } = context
  await requireTools('patch', [tools.git])
  requireFetched(context)
  const head = await seriesHead(context)
  const tree = new WorkTree(cache.tree)

  const state = force ? undefined : await tree.beyond(head)
  if (state && !tree.wasInterrupted()) {
    sayStage('patch', `${series.patches.length} patches are applied${beyondText(state)}`)
    return
  }
  sayStage('patch', `applying ${series.patches.length} patches`)
  const { backup } = await tree.moveTo(head, { force })
  if (backup) say(`What was there before: git -C ${cache.tree} log ${backup}`)
}

/** Applies the series to the pristine sources and leaves everything as it is. */
export async function checkPatches(context: BuildContext): Promise<void> {
  const { cache, series } = context
  await requireTools('patch --check', [tools.git])
  requireFetched(context)
  await applySeries(cache.tree, series.patches)
  sayStage('patch', `${series.patches.length} patches apply to ${upstreamTag} without fuzz`)
}

/** Writes the commits of the work tree back as patch files. */
export async function exportPatches(context: BuildContext): Promise<void> {
  const { cache } = context
  await requireTools('patch --export', [tools.git])
  requireFetched(context)
  const edited = await new WorkTree(cache.tree).editedFiles()
  for (const name of await exportSeries(context)) say(name)
  if (edited.length > 0) {
    sayStage('patch', `left out, because not committed: ${edited.join(', ')}`)
  }
}

function beyondText({
  extraCommits,
  editedFiles,
}: {
  extraCommits: number
  editedFiles: readonly string[]
}): string {
  const extras = [
    ...(extraCommits > 0 ? [`${extraCommits} further commits`] : []),
    ...(editedFiles.length > 0 ? [`${editedFiles.length} edited files`] : []),
  ]
  return extras.length > 0 ? `, and the work tree has ${extras.join(' and ')} beyond them` : ''
}

const recordSchema = z.object({ key: z.string(), head: z.string() })

/** The commit that the series leads to; from the record of an earlier run when neither sources nor patches changed. */
export async function seriesHead({ cache, pin, series }: BuildContext): Promise<string> {
  const { path, key } = headRecord({ cache, pin, series })
  const known = await readJsonIfValid(path, recordSchema)
  if (known?.key === key && (await isThere(cache.tree, known.head))) return known.head

  const head = await applySeries(cache.tree, series.patches)
  await recordHead({ cache, pin, series }, head)
  return head
}

/** Notes the commit that a series leads to, so that it need not be applied again. */
export async function recordHead(series: SeriesOnSources, head: string): Promise<void> {
  const { path, key } = headRecord(series)
  await writeFileDurably(path, JSON.stringify({ key, head }))
}

type SeriesOnSources = Pick<BuildContext, 'cache' | 'pin' | 'series'>

function headRecord({ cache, pin, series }: SeriesOnSources) {
  return {
    path: join(cache.tree, '.git', 'v8-rawmem-series.json'),
    key: sha256OfJson({ tree: pin.source.tree, series: series.hash }),
  }
}

async function isThere(tree: string, commit: string): Promise<boolean> {
  const found = await gitIn(tree)({ nothrow: true })`git cat-file -e ${`${commit}^{tree}`}`
  return found.exitCode === 0
}
