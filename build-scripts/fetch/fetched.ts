import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import type { BuildContext } from '../context.ts'

/** Fails a stage that works on the sources when they are not there. */
export async function requireFetched({ cache }: BuildContext): Promise<void> {
  if (await stat(join(cache.tree, '.git')).catch(() => undefined)) return
  throw new BuildError(`There is no V8 work tree in ${cache.tree}.`, 'Run: npm run v8 -- fetch')
}
