import { constants } from 'node:buffer'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { detectLibc, packageRoot, version } from '../bindings/addon/platform.ts'
import { formatByteSize } from '../terminal/byte-size.ts'
import type { BackendStatus } from '../types/backend.d.ts'

/** The part of manifest.json about the addons beside it; written by build-scripts/bind. */
interface Manifest {
  readonly engine?: AddonManifest
  readonly node?: AddonManifest
}

interface AddonManifest {
  readonly compiler: string
  readonly sha256: string
  /** Of the patched V8, if the addon has it. */
  readonly v8?: string
  readonly lock?: string
  readonly patches?: readonly unknown[]
  readonly modified?: boolean
}

interface Addon {
  readonly path: string
  readonly bytes: number
  /** Its inputs; null if unknown. */
  readonly builtFrom: {
    readonly compiler: string
    /** Null for the addon without V8. */
    readonly v8: string | null
    /** Hash of the v8.lock.json. */
    readonly lock: string | null
    readonly patches: number
    /** Whether that V8 had changes that are in no patch. */
    readonly modified: boolean
  } | null
}

/** How current the V8 inside is. */
interface Release {
  /** The release line, such as 15.0, which gets fixes as patch levels. */
  readonly line: string
  /** When Chromium released it: an ISO date, in UTC. */
  readonly date: string
  /** Whole days since then. */
  readonly ageDays: number
}

export interface Info {
  readonly package: string
  /** Of the patched V8; null if no backend has it. */
  readonly v8: string | null
  /** Null if there is no V8 inside, or another one than this package was made with. */
  readonly v8Release: Release | null
  readonly node: { readonly version: string; readonly v8: string }
  readonly platform: string
  /** Null if there is none, or Node does not say. */
  readonly glibc: string | null
  readonly addon: Addon | null
  readonly backends: readonly BackendStatus[]
  /** Why the library does not work; null if it does. */
  readonly problem: string | null
  readonly limits: {
    readonly regionBytes: number
    readonly window32Bytes: number
    readonly arrayBufferBytes: number
    readonly workers: number
    readonly memoryBytes: number
  }
}

function describeAddon(path: string): Addon {
  const content = readFileSync(path)
  const manifestPath = join(dirname(path), 'manifest.json')
  const about = { path, bytes: content.length }
  if (!existsSync(manifestPath)) return { ...about, builtFrom: null }
  const { engine, node } = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest
  const sha256 = createHash('sha256').update(content).digest('hex')
  // The manifest may describe other files.
  const found = [engine, node].find((addon) => addon?.sha256 === sha256)
  if (found === undefined) return { ...about, builtFrom: null }
  const { compiler, v8 = null, lock = null, patches = [], modified = false } = found
  return { ...about, builtFrom: { compiler, v8, lock, patches: patches.length, modified } }
}

/** What the lock file of the package says of the V8 inside. */
function findRelease(v8: string | null): Release | null {
  const lock = join(packageRoot, 'v8.lock.json')
  if (v8 === null || !existsSync(lock)) return null
  const pinned = (
    JSON.parse(readFileSync(lock, 'utf8')) as { v8: { version: string; date: string } }
  ).v8
  if (pinned.version !== v8) return null
  const ageDays = Math.floor((Date.now() - Date.parse(pinned.date)) / 86_400_000)
  return { line: v8.split('.').slice(0, 2).join('.'), date: pinned.date, ageDays }
}

async function gather(): Promise<Info> {
  let addon: Addon | null = null
  let backends: BackendStatus[] = []
  let v8: string | null = null
  let problem: string | null = null
  const libc = detectLibc()
  try {
    const { bindingPath, engineBinding } = await import('../bindings/addon/load.ts')
    addon = describeAddon(bindingPath)
    v8 = engineBinding?.version() ?? null
    const registry = await import('../bindings/backends/index.ts')
    backends = registry.backends()
    // As the package's own exports would.
    registry.openBackend()
  } catch (error) {
    problem = (error as Error).message
  }
  return {
    package: version,
    v8,
    v8Release: findRelease(v8),
    node: { version: process.versions.node, v8: process.versions.v8 },
    platform: `${process.platform}-${process.arch}`,
    glibc: libc.family === 'glibc' ? libc.version : null,
    addon,
    backends,
    problem,
    limits: {
      regionBytes: 2 ** 47,
      window32Bytes: 2 ** 32 - 1,
      arrayBufferBytes: constants.MAX_LENGTH,
      workers: availableParallelism(),
      memoryBytes: totalmem(),
    },
  }
}

function lines(info: Info): [string, string][] {
  const { addon, limits, v8Release: release } = info
  const built = addon?.builtFrom
  return [
    ['v8-rawmem', info.package],
    ['V8 inside', info.v8 ?? 'none'],
    [
      'V8 line',
      release
        ? `${release.line}, released ${release.date.slice(0, 10)}, ${release.ageDays} days ago`
        : 'unknown',
    ],
    ['Node', `${info.node.version} (V8 ${info.node.v8})`],
    ['platform', `${info.platform}${info.glibc === null ? '' : `, glibc ${info.glibc}`}`],
    ['binding', addon === null ? 'none' : `${addon.path} (${formatByteSize(addon.bytes)})`],
    [
      'built from',
      built
        ? built.v8 === null
          ? `sources without V8, by ${built.compiler}`
          : `V8 ${built.v8} (lock ${built.lock?.slice(0, 16)}) with ${built.patches} patches${built.modified ? ' and other changes' : ''}, by ${built.compiler}`
        : 'unknown: there is no manifest for it',
    ],
    ...info.backends.map(({ name, available, reason }): [string, string] => [
      name,
      `${available ? 'available' : 'not available'}: ${reason}`,
    ]),
    ['region', `up to ${formatByteSize(limits.regionBytes)}`],
    ['window', `up to ${limits.window32Bytes} bytes with i32 lengths, the whole region with i64`],
    ['ArrayBuffer', `up to ${formatByteSize(limits.arrayBufferBytes)}`],
    ['machine', `${limits.workers} processors, ${formatByteSize(limits.memoryBytes)} of memory`],
  ]
}

/** Prints the state of the installation; returns whether it works. */
export async function info({ json }: { json: boolean }): Promise<boolean> {
  const gathered = await gather()
  if (json) {
    console.log(JSON.stringify(gathered, null, 2))
  } else {
    for (const [label, value] of lines(gathered)) console.log(`${label.padEnd(12)} ${value}`)
    if (gathered.problem !== null) console.error(`error: ${gathered.problem}`)
  }
  return gathered.problem === null
}
