import { join } from 'node:path'
import { z } from 'zod'
import { glob } from 'zx'
import { oldestGlibc } from '../../bindings/addon/platform.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { LockedPackages } from '../provenance/npm-packages.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { hashFiles, sha256OfJson } from '../shared/hash.ts'
import { headerPackages } from './describe-prebuild.ts'

/** Of the packages that decide about the addons' bytes: by their headers, and by the flags that node-gyp gives. */
const packages = [...headerPackages, 'node-gyp']

/** The sources of both addons. */
const sources = [
  'bindings/native/{exports.map,sources.gypi,*/binding.gyp}',
  'bindings/native/{common/**,node,patched}/*.{cc,h}',
]

/** The scripts that have flags. */
const scripts = [
  'build-scripts/bind/addon-flags.ts',
  'build-scripts/bind/older-glibc.ts',
  'build-scripts/shared/compiler-environment.ts',
]

/**
 * Names the sources that both addons are compiled from, V8 aside: the C++ of the binding, how it is built, and the versions
 * of the packages whose headers it includes. The prebuild's manifest holds it, so that a prebuild of other sources shows.
 */
export async function sourceHash(project: string): Promise<string> {
  const locked = await LockedPackages.read(project)
  return sha256OfJson({
    files: Object.entries(await hashMatching(project, sources)),
    packages: packages.map((name) => locked.component(name).purl!),
    scripts: await hashMatching(project, scripts),
    oldestGlibc,
  })
}

/** Fails when other versions are installed than package-lock.json names, for what they give would be recorded under a false name. */
export async function requireLockedPackages(project: string): Promise<void> {
  const locked = await LockedPackages.read(project)
  for (const name of packages) {
    const { version } = locked.component(name)
    const installed = await readJsonIfValid(
      join(project, 'node_modules', name, 'package.json'),
      z.object({ version: z.string() }),
    )
    if (installed?.version === version) continue
    throw new AdvisedError(
      `package-lock.json names ${name} ${version}, but ${installed ? `${installed.version} is` : 'none is'} installed.`,
      'Install what it names: npm ci',
    )
  }
}

async function hashMatching(project: string, patterns: readonly string[]) {
  return await hashFiles(project, (await glob(patterns, { cwd: project })).sort())
}
