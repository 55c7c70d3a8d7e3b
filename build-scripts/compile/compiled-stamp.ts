import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import { requireConfigured } from '../configure.ts'
import type { BuildContext } from '../context.ts'
import { sha256OfJson } from '../hash.ts'
import { isStamped, stamp } from '../stamp.ts'
import { hashSources } from './source-times.ts'

/** Says from what everything is compiled; there from the end of a compile to the beginning of the next. */
function stampPath({ cache }: BuildContext): string {
  return join(cache.buildDirectory, 'v8-rawmem-compiled.json')
}

/** Names what a compile would begin from now: the sources, and the configuration, by its hash. */
export async function compileKey(
  { cache, signal }: BuildContext,
  configuration: string,
): Promise<string> {
  return sha256OfJson([configuration, await hashSources(cache.tree, signal)])
}

export async function unstampCompiled(context: BuildContext): Promise<void> {
  await rm(stampPath(context), { force: true })
}

/** @param key of when the compile began; when the sources are others now, nobody knows which were compiled */
export async function stampCompiled(
  context: BuildContext,
  configuration: string,
  key: string,
): Promise<void> {
  if ((await compileKey(context, configuration)) === key) await stamp(stampPath(context), key)
}

/** Fails unless what lies compiled is of the sources and the configuration of now. */
export async function requireCompiled(context: BuildContext): Promise<void> {
  const { hash } = await requireConfigured(context)
  if (await isStamped(stampPath(context), await compileKey(context, hash))) return
  throw new BuildError(
    `What lies compiled in ${context.cache.buildDirectory} is not of the sources that are there now.`,
    'Run: npm run v8 -- compile, then package.',
  )
}
