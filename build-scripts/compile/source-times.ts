import { lstat, readFile, stat, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { upstreamTag } from '../fetch/fetch.ts'
import { readJsonIfValid, writeFileDurably } from '../shared/files.ts'
import { gitIn, listTracked } from '../shared/git.ts'
import { sha256OfFile, sha256OfJson } from '../shared/hash.ts'
import { listMade } from './made-files.ts'

const stateSchema = z.object({
  /** The clock when the last compile began, in milliseconds. */
  at: z.number(),
  /** Git's hash of the tree before the patches. */
  base: z.string(),
  /** Files that differ from it, by patches or edits, and their hashes. */
  changed: z.record(z.string(), z.string()),
})
type SourceState = z.infer<typeof stateSchema>

/**
 * Makes what ninja goes by, times, tell the truth: a source that has changed since the last compile is newer than all that
 * was made. That it is not when the clock was set back in the meantime, or when the change came from a copy that keeps times.
 *
 * @returns false when files are from the future: nothing can be newer than they are, so that nothing made is to be trusted
 */
export async function settleSourceTimes(
  tree: string,
  buildDirectory: string,
  signal: AbortSignal,
): Promise<boolean> {
  const statePath = join(buildDirectory, 'v8-rawmem-sources.json')
  const last = await readJsonIfValid(statePath, stateSchema)
  const now = Date.now()
  const state = await sourceState(tree, now, signal)
  const outputs = (await listMade(buildDirectory)).map((path) => join(buildDirectory, path))
  let made = 0
  for (const path of outputs) made = Math.max(made, (await stat(path)).mtimeMs)
  // Some file systems' clocks are ahead of this machine's by a little.
  const isFuture = (time: number) => time > now + 2000
  if (last && !isFuture(made)) {
    for (const path of await changedSince(tree, last, state, signal)) {
      const found = await stat(join(tree, path)).catch(() => undefined)
      if (found && found.mtimeMs <= made) await touch(join(tree, path), Math.max(now, made + 1))
    }
  }
  // What is from the future would be newer than all that is made of it, again and again: with GN's sources, ninja ends
  // in an error. The others are looked at when there is a reason to, for they are many.
  const suspects = await generatorSources(buildDirectory)
  if (!last || last.at > now || isFuture(made)) {
    suspects.push(...(await listTracked(tree, signal)).map((path) => join(tree, path)))
    suspects.push(...outputs)
  }
  for (const path of suspects) {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isFile() && isFuture(found.mtimeMs)) await touch(path, now)
  }
  await writeFileDurably(statePath, JSON.stringify(state))
  return !isFuture(made)
}

/** Names the contents of the sources; whether they are committed is all one. */
export async function hashSources(tree: string, signal: AbortSignal): Promise<string> {
  const { base, changed } = await sourceState(tree, 0, signal)
  return sha256OfJson({ base, changed })
}

async function sourceState(tree: string, at: number, signal: AbortSignal): Promise<SourceState> {
  const $git = gitIn(tree, signal)
  const base = (await $git`git rev-parse --verify ${`${upstreamTag}^{tree}`}`).stdout.trim()
  const listed = await $git`git diff --name-status -z --no-renames ${upstreamTag}`
  const words = listed.stdout.split('\0')
  const changed: Record<string, string> = {}
  for (let at = 0; at + 1 < words.length; at += 2) {
    const path = words[at + 1]!
    changed[path] = words[at] === 'D' ? 'gone' : await sha256OfFile(join(tree, path), signal)
  }
  return { at, base, changed }
}

async function changedSince(
  tree: string,
  last: SourceState,
  state: SourceState,
  signal: AbortSignal,
): Promise<string[]> {
  if (last.base !== state.base) return await listTracked(tree, signal)
  return [...Object.keys(last.changed), ...Object.keys(state.changed)].filter(
    (path) => last.changed[path] !== state.changed[path],
  )
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
