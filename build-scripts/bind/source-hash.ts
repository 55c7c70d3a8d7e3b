import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { glob } from 'zx'
import { sha256, sha256OfJson } from '../hash.ts'
import { headerPackages } from '../provenance/describe-addon.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/**
 * Names the sources that both addons are compiled from, V8 aside: the C++ of the binding, how it is built, and the versions
 * of the packages whose headers it includes. The prebuild's manifest holds it, so that a prebuild of other sources shows.
 */
export async function sourceHash(project = repository): Promise<string> {
  return sha256OfJson({
    files: Object.entries(await hashSources(project)),
    packages: await packageVersions(project),
  })
}

/** The hash of each source of both addons, by path, in order. */
export async function hashSources(project: string): Promise<Record<string, string>> {
  const files = await glob(
    [
      'bindings/binding.gyp',
      'bindings/exports.map',
      'bindings/node-backends/*.{gyp,gypi}',
      'bindings/{src,node-backends/src}/**/*.{cc,h}',
    ],
    { cwd: project },
  )
  const hashes: Record<string, string> = {}
  for (const file of files.sort()) hashes[file] = sha256(await readFile(join(project, file)))
  return hashes
}

/** The versions of the packages whose headers the addons include. */
export async function packageVersions(project: string): Promise<[string, string | null][]> {
  const { devDependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  return headerPackages.map((name) => [name, devDependencies[name] ?? null])
}
