import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type } from 'node:os'
import { version } from 'v8-rawmem'
import type { Compiler } from './native/compiler.ts'
import type { Machine } from './results.ts'

const hugePagesPath = '/sys/kernel/mm/transparent_hugepage/enabled'

/** What the figures belong to. */
export function describeMachine(compiler: Compiler | undefined): Machine {
  const duckdb = createRequire(import.meta.url)('@duckdb/node-api/package.json') as {
    version: string
  }
  return {
    processor: processorName(),
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `${type()} ${release().replace(/-.*/, '')}`,
    hugePages: hugePages(),
    node: process.version,
    nodeV8: process.versions.v8,
    package: version.package,
    patchedV8: version.v8,
    compiler: compiler?.version ?? 'none',
    duckdb: duckdb.version,
  }
}

function processorName(): string {
  const [first] = cpus()
  const text = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1]
  const name = first?.model.trim() || 'unknown'
  // Virtual machines name the brand only; family and model tell which it is.
  const [family, model] = [field('cpu family'), field('model')]
  const base = field('cpu MHz')
  return [
    name,
    ...(family && model ? [`family ${family} model ${model}`] : []),
    ...(base ? [`${(Number(base) / 1000).toFixed(2)} GHz`] : []),
  ].join(', ')
}

/** The choice in effect, such as `madvise`. */
function hugePages(): string {
  if (!existsSync(hugePagesPath)) return 'unknown'
  return /\[(\w+)\]/.exec(readFileSync(hugePagesPath, 'utf8'))?.[1] ?? 'unknown'
}
