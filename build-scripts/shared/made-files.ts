import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { listFiles, readJsonIfValid, writeFileDurably } from './files.ts'
import { sha256OfFile } from './hash.ts'
import { $ } from './shell.ts'

/** GN's arguments, in the build directory. */
export const argsName = 'args.gn'

/** The name of the record, in the folder that it is about. */
export const recordName = 'v8-rawmem-made.json'

const fileSchema = z.object({
  sha256: z.string(),
  /** Size, times and inode: whatever is written to a file, the time of its last change tells, which nobody can set. */
  status: z.string(),
  /** The last line that ninja logged of it. */
  logged: z.string().optional(),
})
type MadeFile = z.infer<typeof fileSchema>

/** What a tool has left in a folder, by path. */
export const madeFilesSchema = z.record(z.string(), fileSchema)
type MadeFiles = z.infer<typeof madeFilesSchema>

/** The files that were made, without ninja's notes and those of these scripts. */
export async function listMade(folder: string): Promise<string[]> {
  const files = (await listFiles(folder).catch(unlessAbsent)) ?? []
  return files.filter((path) => !/^(v8-rawmem-(\w+\.json|running)|\.ninja_.*)$/.test(path))
}

/** The time of the newest file that was made, in milliseconds. */
export async function newestTime(folder: string): Promise<number> {
  let newest = 0
  for (const path of await listMade(folder)) {
    newest = Math.max(newest, (await stat(join(folder, path))).mtimeMs)
  }
  return newest
}

/**
 * The files that were made, as they are now.
 *
 * @param known spares reading what was not written to since
 */
export async function describeMade(
  folder: string,
  known: MadeFiles = {},
  wanted: (path: string) => boolean = () => true,
): Promise<MadeFiles> {
  const files: MadeFiles = {}
  for (const path of (await listMade(folder)).filter(wanted)) {
    const found = await describe(folder, path, known[path])
    if (found) files[path] = found
  }
  return files
}

/**
 * The files that do not have the content they were left with; a missing one has none.
 *
 * @param thorough reads every file; else only those that were written to since
 */
export async function findChanged(
  folder: string,
  files: MadeFiles,
  { thorough, signal }: { thorough: boolean; signal?: AbortSignal },
): Promise<{ path: string; isMissing: boolean }[]> {
  const changed: { path: string; isMissing: boolean }[] = []
  for (const [path, known] of Object.entries(files)) {
    const found = await describe(folder, path, thorough ? undefined : known, signal)
    if (found?.sha256 !== known.sha256) changed.push({ path, isMissing: found === undefined })
  }
  return changed
}

async function describe(
  folder: string,
  path: string,
  known: MadeFile | undefined,
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

// What follows is for ninja, which notes for itself what it has made.

const recordSchema = z.object({
  /** Every file that GN and ninja have made. */
  files: madeFilesSchema,
  /** Ninja's notes. */
  journals: z.record(z.string(), z.object({ sha256: z.string(), size: z.number() })),
})
type MadeRecord = z.infer<typeof recordSchema>

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
  options: { thorough: boolean; signal: AbortSignal },
): Promise<Damage> {
  const { files, journals } = (await readRecord(folder)) ?? { files: {}, journals: {} }
  for (const [name, { size, sha256 }] of Object.entries(journals)) {
    const found = await sha256OfFile(join(folder, name), options.signal, size).catch(unlessAbsent)
    if (found !== sha256) return { outputs: [], others: [], journals: true }
  }
  const log = await readLog(folder)
  const asLogged = Object.entries(files).filter(
    // What configure writes itself is not GN's to make again.
    ([path, { logged }]) => log.get(path) === logged && path !== argsName,
  )
  const changed = await findChanged(folder, Object.fromEntries(asLogged), options)
  const isOutput = (path: string) => files[path]!.logged !== undefined
  return {
    // Ninja itself sees what is missing.
    outputs: changed.filter((file) => isOutput(file.path) && !file.isMissing).map(pathOf),
    others: changed.filter((file) => !isOutput(file.path)).map(pathOf),
    journals: false,
  }
}

function pathOf({ path }: { path: string }): string {
  return path
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
export async function recordMade(folder: string, { whole }: { whole: boolean }): Promise<void> {
  await $({ nothrow: true })`ninja -C ${folder} -t recompact`
  const before = (await readRecord(folder))?.files ?? {}
  const log = await readLog(folder)
  const record: MadeRecord = { files: {}, journals: {} }
  for (const [path, found] of Object.entries(await describeMade(folder, before))) {
    const logged = log.get(path)
    const known = before[path]
    const isHalfMade = !whole && known && known.logged === logged
    record.files[path] = isHalfMade ? known : { ...found, ...(logged ? { logged } : {}) }
  }
  // What is gone, and not made again yet, may be half made when the next run is killed.
  for (const [path, known] of whole ? [] : Object.entries(before)) {
    if (known.logged !== undefined && known.logged === log.get(path)) record.files[path] ??= known
  }
  for (const name of journals) {
    const path = join(folder, name)
    const found = await stat(path).catch(unlessAbsent)
    if (found) record.journals[name] = { size: found.size, sha256: await sha256OfFile(path) }
  }
  await writeFileDurably(join(folder, recordName), JSON.stringify(record))
}

/** Records what GN has just written; ninja's part of the record stays. */
export async function recordGenerated(folder: string): Promise<void> {
  const record = await readRecord(folder)
  if (!record) return
  const log = await readLog(folder)
  const ofNinja = Object.entries(record.files).filter(([, { logged }]) => logged !== undefined)
  const ofGn = await describeMade(folder, record.files, (path) => !log.has(path))
  const files = { ...Object.fromEntries(ofNinja), ...ofGn }
  await writeFileDurably(join(folder, recordName), JSON.stringify({ ...record, files }))
}

/** Whether anything is recorded of a file. */
export async function isRecorded(folder: string, path: string): Promise<boolean> {
  return (await readRecord(folder))?.files[path] !== undefined
}

async function readRecord(folder: string): Promise<MadeRecord | undefined> {
  return await readJsonIfValid(join(folder, recordName), recordSchema)
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
