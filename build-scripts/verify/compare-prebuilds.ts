import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { addonNames, readPrebuildManifest } from '../bind/prebuild-manifest.ts'
import { readBill } from '../provenance/bill-of-materials.ts'
import { documentsOf } from '../provenance/documents.ts'
import { sha256OfFile } from '../shared/hash.ts'

/** A file of two prebuild folders. Hashes are SHA-256; undefined where the file is missing. */
interface ComparedFile {
  readonly file: string
  readonly expected: string | undefined
  readonly found: string | undefined
}

/**
 * Compares what was built for the platforms in `found` with the same platforms in `expected`, manifests included: they say
 * what the addons were made from.
 */
export async function comparePrebuilds(expected: string, found: string): Promise<ComparedFile[]> {
  const built = await glob('**/*', { cwd: found })
  const platforms = new Set(built.map((file) => file.split('/')[0]!))
  const there = (await glob('**/*', { cwd: expected })).filter((file) =>
    platforms.has(file.split('/')[0]!),
  )
  const hashOf = (folder: string, file: string) =>
    sha256OfFile(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
  return await Promise.all(
    [...new Set([...built, ...there])].sort().map(async (file) => ({
      file,
      expected: await hashOf(expected, file),
      found: await hashOf(found, file),
    })),
  )
}

/**
 * In sentences, what decides about bytes and is not the same on the machines where two prebuild folders were made: compiler, C++
 * and C library, and what was linked of the system.
 */
export async function differentToolchains(expected: string, found: string): Promise<string[]> {
  const sentences: string[] = []
  for (const platform of await readdir(found)) {
    for (const kind of ['engine', 'node'] as const) {
      const there = await toolchain(join(expected, platform), kind)
      const here = await toolchain(join(found, platform), kind)
      if (!there || !here || there.join() === here.join()) continue
      const [theirs, ours] = [without(here, there), without(there, here)]
      sentences.push(`${platform}/${addonNames[kind]} was made with ${theirs}; here is ${ours}.`)
    }
  }
  return sentences
}

function without(others: readonly string[], parts: readonly string[]): string {
  return parts.filter((part) => !others.includes(part)).join(', ') || 'nothing else'
}

async function toolchain(
  folder: string,
  kind: keyof typeof addonNames,
): Promise<readonly string[] | undefined> {
  const entry = (await readPrebuildManifest(folder))?.[kind]
  if (!entry) return undefined
  const headers = Object.entries(entry.libraries).map(([name, version]) => `${name} ${version}`)
  return [entry.compiler, ...headers.sort(), ...(await linkedInto(join(folder, addonNames[kind])))]
}

/** What of the system is in an addon, by its bill of materials. A package of one version may have other files elsewhere. */
async function linkedInto(addon: string): Promise<string[]> {
  const { bill } = documentsOf(addon)
  const text = await readFile(bill, 'utf8').catch(() => undefined)
  if (text === undefined) return []
  const { components } = await readBill(text, bill)
  return components
    .filter(({ files }) => files.length > 0)
    .map(({ name, version, files }) => {
      const hashes = files.map((file) => `${file.name} ${file.sha256.slice(0, 12)}…`)
      return `linked ${[name, version].filter(Boolean).join(' ')} (${hashes.join(', ')})`
    })
}
