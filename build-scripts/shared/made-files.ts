import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { $ } from 'zx'
import { readJsonIfValid, writeFileDurably } from './files.ts'
import { sha256OfFile } from './hash.ts'

/** GN's arguments, in the build directory. */
export const argsName = 'args.gn'

const fileSchema = z.object({
  sha256: z.string(),
  /** Size, times and inode: whatever is written to a file, the time of its last change tells, which nobody can set. */
  status: z.string(),
  /** The last line that ninja logged of it. */
  logged: z.string().optional(),
})

const recordSchema = z.object({
  /** Every file that GN and ninja have made. */
  files: z.record(z.string(), fileSchema),
  /** What ninja notes for itself. */
  journals: z.record(z.string(), z.object({ sha256: z.string(), size: z.number() })),
})
type MadeRecord = z.infer<typeof recordSchema>
type MadeFile = z.infer<typeof fileSchema>

// Ninja only ever appends to these, and writes them anew when it opens them and two thirds of the lines are outdated, which
// recordMade does before it comes to that.
const journals = ['.ninja_log', '.ninja_deps']

/** What is not as it was left. Paths are relative to the build directory. */
export interface Damage {
  /** Ninja makes these again when they are gone. */
  readonly outputs: readonly string[]
  /** These are GN's, or nobody's that is known. */
  readonly others: readonly string[]
  /** Ninja's notes are damaged: what it would do from them cannot be foreseen. */
  readonly journals: boolean
}

/**
 * Compares the files of the build directory with what was recorded of them. Ninja looks at times only: it would link a
 * damaged object file, and take a damaged library for a finished one.
 *
 * A file that ninja has made since, in a run that nobody could record, is recognised by its new line in ninja's log.
 *
 * @param thorough reads every file; else only those that were written to since
 */
export async function findDamage(
  folder: string,
  { thorough, signal }: { thorough: boolean; signal: AbortSignal },
): Promise<Damage> {
  const outputs: string[] = []
  const others: string[] = []
  const record = await readRecord(folder)
  for (const [name, { size, sha256 }] of Object.entries(record?.journals ?? {})) {
    const found = await sha256OfFile(join(folder, name), signal, size).catch(unlessAbsent)
    if (found !== sha256) return { outputs, others, journals: true }
  }
  const log = await readLog(folder)
  for (const [path, known] of Object.entries(record?.files ?? {})) {
    const logged = log.get(path)
    if (logged !== known.logged) continue
    const found = await describe(folder, path, thorough ? undefined : known, signal)
    if (found?.sha256 === known.sha256) continue
    // What configure writes itself is not GN's to make again.
    if (path === argsName) continue
    // Ninja itself sees what is missing.
    if (logged === undefined) others.push(path)
    else if (found) outputs.push(path)
  }
  return { outputs, others, journals: false }
}

/** Removes what is damaged, so that ninja, or GN, makes it again. */
export async function removeDamage(folder: string, damage: Damage): Promise<void> {
  const doomed = damage.journals ? journals : [...damage.outputs, ...damage.others]
  for (const path of doomed) await rm(join(folder, path), { force: true })
}

/**
 * Records the files of the build directory as they are now.
 *
 * @param whole false when ninja did not come to its end. Then a file that differs although ninja has logged nothing new is
 *   half made; what is recorded of it stays, and so it will be found.
 */
export async function recordMade(
  folder: string,
  { whole, signal }: { whole: boolean; signal?: AbortSignal },
): Promise<void> {
  await $({ quiet: true, nothrow: true })`ninja -C ${folder} -t recompact`
  const before = (await readRecord(folder))?.files ?? {}
  const log = await readLog(folder)
  const files: Record<string, MadeFile> = {}
  for (const path of await listMade(folder)) {
    const logged = log.get(path)
    const known = before[path]
    const found = await describe(folder, path, known, signal)
    if (!whole && known && known.logged === logged) files[path] = known
    else if (found) files[path] = { ...found, ...(logged ? { logged } : {}) }
  }
  // What is gone, and not made again yet, may be half made when the next run is killed.
  for (const [path, known] of whole ? [] : Object.entries(before)) {
    if (known.logged !== undefined && known.logged === log.get(path)) files[path] ??= known
  }
  const record: MadeRecord = { files, journals: {} }
  for (const name of journals) {
    const path = join(folder, name)
    const size = (await stat(path).catch(() => undefined))?.size
    if (size !== undefined)
      record.journals[name] = { size, sha256: await sha256OfFile(path, signal) }
  }
  await writeFileDurably(recordPath(folder), JSON.stringify(record))
}

/** Records what GN has just written; ninja's part of the record stays. */
export async function recordGenerated(folder: string): Promise<void> {
  const record = await readRecord(folder)
  if (!record) return
  const log = await readLog(folder)
  const files = Object.fromEntries(
    Object.entries(record.files).filter(([, { logged }]) => logged !== undefined),
  )
  for (const path of await listMade(folder)) {
    const found = log.has(path) ? undefined : await describe(folder, path)
    if (found) files[path] = found
  }
  await writeFileDurably(recordPath(folder), JSON.stringify({ ...record, files }))
}

/** Forgets everything: what was made is about to be removed. */
export async function forgetMade(folder: string): Promise<void> {
  await rm(recordPath(folder), { force: true })
}

/** Whether anything is recorded of a file. */
export async function isRecorded(folder: string, path: string): Promise<boolean> {
  return (await readRecord(folder))?.files[path] !== undefined
}

/** The files that were made, without ninja's notes and this script's. */
export async function listMade(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !/^(v8-rawmem-|\.ninja_)/.test(path))
    .sort()
}

function recordPath(folder: string): string {
  return join(folder, 'v8-rawmem-made.json')
}

async function readRecord(folder: string): Promise<MadeRecord | undefined> {
  return await readJsonIfValid(recordPath(folder), recordSchema)
}

/** The last line of ninja's log for each output. */
async function readLog(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, '.ninja_log'), 'utf8').catch(() => '')
  const lines = new Map<string, string>()
  for (const line of text.split('\n')) {
    const path = line.split('\t')[3]
    if (path) lines.set(path, line)
  }
  return lines
}

/**
 * A file as it is now; undefined when it is not there.
 *
 * @param known spares reading a file that was not written to since
 */
async function describe(
  folder: string,
  path: string,
  known?: MadeFile,
  signal?: AbortSignal,
): Promise<MadeFile | undefined> {
  const place = join(folder, path)
  const found = await stat(place, { bigint: true }).catch(unlessAbsent)
  if (!found) return undefined
  const status = [found.size, found.mtimeNs, found.ctimeNs, found.ino].join(' ')
  if (known?.status === status) return { sha256: known.sha256, status }
  return { sha256: await sha256OfFile(place, signal), status }
}

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
