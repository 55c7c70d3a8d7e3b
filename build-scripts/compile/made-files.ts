import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { listFiles, readJsonIfValid, writeFileDurably } from '../shared/files.ts'
import { sha256OfFile } from '../shared/hash.ts'
import { $ } from '../shared/shell.ts'

const fileSchema = z.object({
  sha256: z.string(),
  /** Size, times and inode. Every write changes the ctime, which no program can set. */
  status: z.string(),
})

const recordSchema = z.object({
  /** Every output in ninja's log, with the line that the log has of it. */
  files: z.record(z.string(), fileSchema.extend({ logged: z.string() })),
  /** Ninja's notes. */
  journals: z.record(z.string(), z.object({ sha256: z.string(), size: z.number() })),
})
type MadeRecord = z.infer<typeof recordSchema>

// Ninja appends to these. If two thirds of the lines are outdated when it opens them, it rewrites
// them; recordMade has it do so earlier.
const journals = ['.ninja_log', '.ninja_deps']

/** What is not as ninja has left it. */
export interface Damage {
  /** Paths in the build directory. Ninja makes these again when they are gone. */
  readonly outputs: readonly string[]
  /** Ninja's notes are damaged: what it would do from them cannot be foreseen. */
  readonly journals: boolean
}

/**
 * Compares what ninja has made with the record of it. Ninja compares times only: it would link a
 * damaged object file, and take a damaged library for a finished one. It notices missing files.
 *
 * A file that ninja has made since, in a run that was killed before it could be recorded, has a new
 * line in ninja's log.
 *
 * @param thorough reads every file; else only those that were written to since
 */
export async function findDamage(
  folder: string,
  { thorough }: { thorough: boolean },
): Promise<Damage> {
  const { files, journals } = await readRecord(folder)
  for (const [name, { size, sha256 }] of Object.entries(journals)) {
    const found = await sha256OfFile(join(folder, name), size).catch(unlessAbsent)
    if (found !== sha256) return { outputs: [], journals: true }
  }
  const log = await readLog(folder)
  const outputs: string[] = []
  for (const [path, known] of Object.entries(files)) {
    if (log.get(path) !== known.logged) continue
    const found = await describe(join(folder, path), thorough ? undefined : known)
    if (found && found.sha256 !== known.sha256) outputs.push(path)
  }
  return { outputs, journals: false }
}

/** Removes what is damaged, so that ninja makes it again. */
export async function removeDamage(folder: string, damage: Damage): Promise<void> {
  for (const path of damage.journals ? journals : damage.outputs) {
    await rm(join(folder, path), { force: true })
  }
}

/**
 * Records what ninja has made as it is now.
 *
 * @param whole false if ninja was interrupted. Then a file without a new line in the log may be half
 *   made or gone. Its old record stays, so the next check finds it.
 */
export async function recordMade(folder: string, { whole }: { whole: boolean }): Promise<void> {
  await $({ nothrow: true })`ninja -C ${folder} -t recompact`
  const before = await readRecord(folder)
  const record: MadeRecord = { files: {}, journals: {} }
  for (const [path, logged] of await readLog(folder)) {
    const known = before.files[path]
    const stays = !whole && known?.logged === logged
    const found = stays ? known : await describe(join(folder, path), known)
    if (found) record.files[path] = { ...found, logged }
  }
  for (const name of journals) {
    const path = join(folder, name)
    const found = await stat(path).catch(unlessAbsent)
    if (found) record.journals[name] = { size: found.size, sha256: await sha256OfFile(path) }
  }
  await writeFileDurably(join(folder, recordName), JSON.stringify(record))
}

/** All files of the build directory, without ninja's notes and those of these scripts. */
export async function listMade(folder: string): Promise<string[]> {
  const files = (await listFiles(folder).catch(unlessAbsent)) ?? []
  return files.filter((path) => !/^(v8-rawmem-(\w+\.json|running)|\.ninja_.*)$/.test(path))
}

const recordName = 'v8-rawmem-made.json'

async function readRecord(folder: string): Promise<MadeRecord> {
  const record = await readJsonIfValid(join(folder, recordName), recordSchema)
  return record ?? { files: {}, journals: {} }
}

/** A file as it is now. It is read only if it was written to since it was `known`. */
async function describe(
  path: string,
  known: z.infer<typeof fileSchema> | undefined,
): Promise<z.infer<typeof fileSchema> | undefined> {
  const found = await stat(path, { bigint: true }).catch(unlessAbsent)
  if (!found) return undefined
  const status = [found.size, found.mtimeNs, found.ctimeNs, found.ino].join(' ')
  if (known?.status === status) return { sha256: known.sha256, status }
  return { sha256: await sha256OfFile(path), status }
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

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
