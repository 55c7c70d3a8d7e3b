import { $ } from 'zx'
import type { BuildContext } from '../context.ts'
import { Sources } from '../fetch/sources.ts'
import { provideGn } from '../gn.ts'

/** What GN knows of a target or config in the configured build, one entry a line: `defines`, `libs`, ... */
export async function askGn(context: BuildContext, label: string, what: string): Promise<string[]> {
  const { cache, pin, signal } = context
  const gn = await provideGn(context, new Sources({}))
  const patterns = pin.build.rootPatterns.map((pattern) => `--root-pattern=${pattern}`)
  const said = await $({
    quiet: true,
    cwd: cache.tree,
    signal,
  })`${gn} desc ${pin.build.buildDirectory} ${label} ${what} ${patterns}`
  return said.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}
