import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext, CacheLayout } from '../shared/context.ts'
import { listFiles, readJsonIfValid, writeFileDurably } from '../shared/files.ts'
import { hashPin } from '../shared/pin.ts'

const stateSchema = z.object({
  /** The project that is rolled: several may share a cache. */
  project: z.string(),
  /** What it was when the roll began. */
  from: z.object({ v8: z.string(), lock: z.string(), series: z.string() }),
  target: z.object({
    chromium: z.string(),
    /** The version of V8 that was asked for, when one was. */
    v8: z.string().optional(),
    file: z.string(),
    url: z.url(),
    proxy: z.string().optional(),
    size: z.int().optional(),
    sha256: z.string().optional(),
    debian: z.object({ package: z.string(), version: z.string(), suite: z.string() }).optional(),
  }),
  /** What is to be done next. */
  step: z.enum(['download', 'unpack', 'rebase', 'install']),
  /** The version of V8 that is in the archive, once it is unpacked. */
  v8: z.string().optional(),
  /** Whether the rebase has stopped at a conflict. */
  conflict: z.boolean(),
})

/** How far a roll has come. It is written durably before each step, and each step can be begun again. */
export type RollState = z.infer<typeof stateSchema>

/** Where a roll keeps what it needs between its steps. */
export function rollPlaces({ root }: CacheLayout) {
  const folder = join(root, 'roll')
  return {
    folder,
    state: join(folder, 'state.json'),
    unpacking: join(folder, 'unpacking'),
    /** The project's files as they are to be, by their paths in it. */
    after: join(folder, 'after'),
    /** The files that they replace. */
    before: join(folder, 'before'),
  }
}

/** The roll that is under way in this cache, if one is. */
export async function loadRoll({ cache, project }: BuildContext): Promise<RollState | undefined> {
  const state = await readJsonIfValid(rollPlaces(cache).state, stateSchema)
  if (state && state.project !== project) {
    throw new AdvisedError(
      `${state.project} is being rolled in this cache.`,
      'End that roll there, or name another cache folder with --cache.',
    )
  }
  return state
}

export async function saveRoll({ cache }: BuildContext, state: RollState): Promise<RollState> {
  const { folder, state: path } = rollPlaces(cache)
  await mkdir(folder, { recursive: true })
  await writeFileDurably(path, `${JSON.stringify(state, null, 2)}\n`)
  return state
}

/** The archive on this machine. */
export function archiveOf({ cache }: BuildContext, { target }: RollState): string {
  const url = new URL(target.url)
  return url.protocol === 'file:' ? fileURLToPath(url) : join(cache.downloads, target.file)
}

/** Fails when the project is not the one that the roll began with. */
export function requireUnchanged({ pin, series }: BuildContext, { from }: RollState): void {
  if (hashPin(pin) === from.lock && series.hash === from.series) return
  throw new AdvisedError(
    'v8.lock.json or the patches have changed since the roll began.',
    'Restore them and run this again, or give the roll up (npm run v8 -- roll --abort) and begin anew.',
  )
}

/** Puts the files of `from` into the project in place of those of `insteadOf`. The lock file comes last. */
export async function exchangeFiles(
  project: string,
  from: string,
  insteadOf: string,
  lockName: string,
): Promise<void> {
  const files = await listFiles(from)
  await removeHalfWritten(project, files)
  for (const file of [...files.filter((one) => one !== lockName), lockName]) {
    await mkdir(dirname(join(project, file)), { recursive: true })
    await writeFileDurably(join(project, file), await readFile(join(from, file)))
  }
  for (const file of await listFiles(insteadOf)) {
    if (!files.includes(file)) await rm(join(project, file), { force: true })
  }
  for (const folder of new Set((await listFiles(insteadOf)).map((file) => dirname(file)))) {
    const left = await readdir(join(project, folder)).catch(() => ['gone'])
    if (left.length === 0) await rm(join(project, folder), { recursive: true })
  }
}

/** Removes what a run that was killed while it wrote one of `files` has left beside it. */
async function removeHalfWritten(project: string, files: readonly string[]): Promise<void> {
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    for (const name of await readdir(join(project, folder)).catch(() => [])) {
      const written = /^(.+)\.new-\d+$/.exec(name)?.[1]
      if (written && files.includes(join(folder, written))) await rm(join(project, folder, name))
    }
  }
}
