import { lstat, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { readJsonIfValid, writeFileDurably } from '../shared/files.ts'
import { gitIn, listTracked } from '../shared/git.ts'
import { listMade } from './made-files.ts'

const stateSchema = z.object({
  /** The clock when the last compile began, in milliseconds. */
  at: z.number(),
  /** What {@link hashSources} said then. */
  sources: z.string(),
})

/**
 * Corrects the times that ninja compares: gives a source that has changed since the last compile a
 * time after all that was made. It has an earlier one if the clock was set back, or if the change
 * came from a copy that keeps times.
 *
 * @returns false if files are from the future: no source can be newer, so everything must be compiled
 */
export async function settleSourceTimes(tree: string, buildDirectory: string): Promise<boolean> {
  const statePath = join(buildDirectory, 'v8-rawmem-sources.json')
  const last = await readJsonIfValid(statePath, stateSchema)
  const now = Date.now()
  const sources = await hashSources(tree)
  const outputs = (await listMade(buildDirectory)).map((path) => join(buildDirectory, path))
  let made = 0
  for (const path of outputs) made = Math.max(made, (await stat(path)).mtimeMs)
  // Some file systems' clocks are ahead of this machine's by a little.
  const isFuture = (time: number) => time > now + 2000
  if (last && !isFuture(made)) {
    for (const path of await changedFiles(tree, last.sources, sources)) {
      const found = await stat(join(tree, path)).catch(() => undefined)
      if (found && found.mtimeMs <= made) await touch(join(tree, path), Math.max(now, made + 1))
    }
  }
  // A source from the future stays newer than what is made of it. With GN's sources, ninja then ends
  // in an error. The others are many, so they are checked only if there is a reason.
  const suspects = await generatorSources(buildDirectory)
  if (!last || last.at > now || isFuture(made)) {
    suspects.push(...(await listTracked(tree)).map((path) => join(tree, path)))
    suspects.push(...outputs)
  }
  for (const path of suspects) {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isFile() && isFuture(found.mtimeMs)) await touch(path, now)
  }
  await writeFileDurably(statePath, JSON.stringify({ at: now, sources }))
  return !isFuture(made)
}

/** Names the contents of the sources, committed or not, by git's hash of their tree. */
export async function hashSources(tree: string): Promise<string> {
  const index = join(tree, '.git', 'v8-rawmem-index')
  const $git = gitIn(tree, { GIT_INDEX_FILE: index })
  // What a run that was killed has left.
  await rm(`${index}.lock`, { force: true })
  // In a copy, so that staged changes stay. The time of the index tells git which files to read.
  await $git`cp --preserve=timestamps .git/index ${index}`
  await $git`git add --update`
  return (await $git`git write-tree`).stdout.trim()
}

async function changedFiles(tree: string, before: string, now: string): Promise<string[]> {
  const $git = gitIn(tree)({ nothrow: true })
  const changed = await $git`git diff --name-only -z ${before} ${now}`
  // If git no longer has the earlier tree, every file may have changed.
  if (changed.exitCode !== 0) return await listTracked(tree)
  return changed.stdout.split('\0').filter(Boolean)
}

/** What GN has read, by its own list. */
async function generatorSources(buildDirectory: string): Promise<string[]> {
  const list = await readFile(join(buildDirectory, 'build.ninja.d'), 'utf8').catch(() => '')
  return list
    .slice(list.indexOf(':') + 1)
    .split(/\s+/)
    .filter(Boolean)
    .map((path) => resolve(buildDirectory, path))
}

async function touch(path: string, milliseconds: number): Promise<void> {
  await utimes(path, milliseconds / 1000, milliseconds / 1000)
}
