import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { readPrebuildManifest } from '../../build-scripts/bind/prebuild-manifest.ts'
import {
  damagedFiles,
  manifestName,
  readSdkManifest,
} from '../../build-scripts/package/sdk-manifest.ts'
import type { BuildContext } from '../../build-scripts/shared/context.ts'
import { readJsonIfValid, writeFileDurably } from '../../build-scripts/shared/files.ts'
import { sha256OfFile } from '../../build-scripts/shared/hash.ts'
import { formatDuration, say, sayStage } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { Random } from '../support/random.ts'
import { BuildRun } from './build-run.ts'
import type { Stage } from './stages.ts'

/** When to kill: the stage, and between how many and how many seconds after its beginning. */
const strokes: readonly { stage: Stage; from: number; to: number }[] = [
  { stage: 'download', from: 5, to: 90 },
  { stage: 'patch', from: 0, to: 0.8 },
  { stage: 'build GN', from: 5, to: 120 },
  { stage: 'compile', from: 60, to: 800 },
  { stage: 'package', from: 0, to: 8 },
]

const stateSchema = z.object({
  seed: z.number(),
  kills: z.array(
    z.object({
      wanted: z.string(),
      /** Where it was then; null when the build had ended. */
      struck: z.string().nullable(),
      seconds: z.number(),
      manner: z.enum(['everything', 'only the parent']),
    }),
  ),
})
type State = z.infer<typeof stateSchema>

/**
 * Builds V8 from nothing with five kills on the way, and compares the SDK with a reference of the same commit. What was done
 * is noted in the folder, so that the same command goes on after an interruption.
 *
 * @param reference an unpacked SDK; without it, the one that prebuilds/ was made against
 * @param haste kills so many times sooner, for a project smaller than V8
 */
export async function killRealBuild(
  context: BuildContext,
  {
    folder,
    reference,
    seed,
    haste,
  }: { folder: string; reference: string | undefined; seed: number; haste: number },
  signal: AbortSignal,
): Promise<void> {
  const expected = await findReference(context, reference)
  say(`reference: ${expected}`)
  const cache = join(folder, 'cache')
  await mkdir(folder, { recursive: true })
  const statePath = join(folder, 'real.json')
  const state: State = (await readJsonIfValid(statePath, stateSchema)) ?? { seed, kills: [] }
  const logPath = join(folder, 'real.log')
  const log = createWriteStream(logPath, { flags: 'a' })
  say(`log: ${logPath}`)
  const started = Date.now()
  const tell = (line: string) => {
    log.write(`${line}\n`)
    say(line)
  }
  const start = () =>
    new BuildRun(['--project', context.project, '--cache', cache, 'all', ...archives(context)], {
      signal,
      onLine: (line) => log.write(`${new Date().toISOString()} ${line}\n`),
    })
  try {
    for (const [index, stroke] of strokes.entries()) {
      const known = state.kills[index]
      if (known) continue
      const random = new Random(state.seed + index)
      const delay = (stroke.from + random.next() * (stroke.to - stroke.from)) / haste
      const manner = random.next() < 0.5 ? 'everything' : 'only the parent'
      const kill = await strike(start(), stroke.stage, delay, manner, signal)
      state.kills.push({ wanted: stroke.stage, struck: kill ?? null, seconds: delay, manner })
      await writeFileDurably(statePath, JSON.stringify(state))
      tell(
        kill
          ? `kill ${index + 1} of ${strokes.length}: ${manner}, in ${kill}, ${Math.round(delay)} s after ${stroke.stage} began`
          : `kill ${index + 1} of ${strokes.length}: the build had ended before`,
      )
    }
    tell('to the end ...')
    const { code, stderr } = await start().ended
    signal.throwIfAborted()
    if (code !== 0) {
      throw new AdvisedError(
        `The build did not end well after the kills (code ${code}):\n${stderr.trimEnd()}`,
        `Everything it wrote is in ${logPath}.`,
      )
    }
    await compare(expected, join(cache, 'sdk', 'current'), tell)
    tell(`done, ${formatDuration((Date.now() - started) / 1000)} in this run`)
  } finally {
    log.end()
  }
}

async function strike(
  run: BuildRun,
  stage: Stage,
  seconds: number,
  manner: 'everything' | 'only the parent',
  signal: AbortSignal,
): Promise<Stage | undefined> {
  await run.reaches(stage)
  await Promise.race([sleep(seconds * 1000, undefined, { signal, ref: false }), run.ended])
  signal.throwIfAborted()
  if (run.over) {
    const { code, stderr } = await run.ended
    if (code === 0) return undefined
    throw new AdvisedError(
      `The build failed before it was killed (code ${code}):\n${stderr.trimEnd()}`,
      'Mend that, and run the same command again: it goes on from there.',
    )
  }
  const hit = run.stage
  if (manner === 'everything') await run.killAll()
  else run.killParent()
  await run.ended
  return hit
}

/** Archives that are downloaded already are as good as those from elsewhere. */
function archives({ cache }: BuildContext): string[] {
  return existsSync(cache.downloads) ? ['--archive', cache.downloads] : ['--source', 'archive']
}

async function findReference(context: BuildContext, named: string | undefined): Promise<string> {
  if (named !== undefined) {
    await readSdkManifest(named)
    return named
  }
  const prebuilds = join(context.project, 'prebuilds', 'linux-x64')
  const wanted = (await readPrebuildManifest(prebuilds))?.engine?.sdk
  for (const name of await readdir(context.cache.sdk).catch(() => [])) {
    const manifest = join(context.cache.sdk, name, manifestName)
    if (existsSync(manifest) && (await sha256OfFile(manifest)) === wanted) {
      return join(context.cache.sdk, name)
    }
  }
  throw new AdvisedError(
    `${context.cache.sdk} has no SDK that prebuilds/ was made against (manifest ${wanted ?? 'unknown'}).`,
    'Make one with "npm run v8 -- all" from the same commit, or name an unpacked SDK with --reference.',
  )
}

/** The SDKs' files by their hashes, and the archives where both are there. */
async function compare(
  expected: string,
  found: string,
  tell: (line: string) => void,
): Promise<void> {
  const damaged = await damagedFiles(found)
  const [wanted, made] = [await readSdkManifest(expected), await readSdkManifest(found)]
  const paths = [...new Set([...Object.keys(wanted.files), ...Object.keys(made.files)])].sort()
  const differing = paths.filter((path) => wanted.files[path] !== made.files[path])
  const name = `v8-sdk-${made.v8.version}-${made.platform}.tar.zst`
  const hashes = await Promise.all(
    [expected, found].map(async (sdk) => ({
      manifest: await sha256OfFile(join(sdk, manifestName)),
      archive: await sha256OfFile(join(dirname(sdk), name)).catch(() => 'none beside it'),
    })),
  )
  for (const what of ['manifest', 'archive'] as const) {
    tell(`${what} of the reference ${hashes[0]![what]}`)
    tell(`${what} after the kills  ${hashes[1]![what]}`)
  }
  if (damaged.length + differing.length === 0) {
    const same = hashes[0]!.manifest === hashes[1]!.manifest
    sayStage(
      'real',
      `the ${paths.length} files of the SDK are the same${same ? ', and so is the manifest' : ''}`,
    )
    if (same) return
    throw new AdvisedError(
      'The files are the same, but the manifests say different things of them.',
      `Compare ${join(expected, manifestName)} with ${join(found, manifestName)}: another commit, compiler or distribution.`,
    )
  }
  throw new AdvisedError(
    `${basename(found)} is not the reference:\n${[...damaged, ...differing].map((path) => `  ${path}`).join('\n')}`,
    `Is ${expected} of the same commit? If so, a kill has left something wrong behind.`,
  )
}
