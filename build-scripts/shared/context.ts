import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadPin, type Pin, readSeries, type Series } from './pin.ts'
import { type Clang, findClang } from './toolchain.ts'

/** This checkout, whose scripts are running. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What every stage works with. */
export interface BuildContext {
  /** The folder with v8.lock.json and the patches. */
  readonly project: string
  readonly pin: Pin
  readonly series: Series
  /** The pinned clang, which is asked once what it is. */
  clang(): Promise<Clang>
  readonly cache: CacheLayout
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal
  /** The open lock of the cache folder, for children that must keep it when this process is killed. */
  readonly lockFd?: number
}

/** Reads the project's pin and series, and lays out the cache. */
export async function openContext(options: {
  project: string
  cache?: string | undefined
  signal: AbortSignal
}): Promise<BuildContext> {
  const pin = await loadPin(options.project)
  let clang: Promise<Clang> | undefined
  return {
    project: options.project,
    pin,
    series: await readSeries(options.project, pin),
    clang() {
      clang ??= findClang(pin.toolchain.clang)
      return clang
    },
    cache: cacheLayout(cacheRoot(options.cache), pin),
    signal: options.signal,
  }
}

/** Where the build keeps what it fetches and makes. Everything in it can be deleted and made again. */
export interface CacheLayout {
  readonly root: string
  /** Source archives, whole and checked; `*.part` while they arrive. */
  readonly downloads: string
  /** The private apt configuration and its lists. */
  readonly apt: string
  /** GN, one folder for each source it was built from. */
  readonly toolchain: string
  /** The repositories that depot_tools brings, until the work tree is made of them. */
  readonly checkout: string
  /** The V8 work tree of the pinned version. */
  readonly tree: string
  /** Where GN and ninja put what they make. */
  readonly buildDirectory: string
  /** Logs of the tools, one for each stage. */
  readonly logs: string
  /** Unpacked SDKs by key, the link `current`, and the packed archives. */
  readonly sdk: string
  /** Node headers for the binding. */
  readonly nodeHeaders: string
  /** Held by the one build that may work in this cache. */
  readonly lock: string
}

/** The cache folder: the one named, else `v8-rawmem` in XDG_CACHE_HOME, else in ~/.cache. */
export function cacheRoot(named?: string): string {
  if (named) return resolve(named)
  const base = process.env.XDG_CACHE_HOME
  // The XDG specification wants relative paths ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'v8-rawmem')
}

/** The places of everything in the cache folder `root`. */
export function cacheLayout(root: string, pin: Pin): CacheLayout {
  const version = join(root, pin.v8.version)
  const tree = join(version, 'v8')
  return {
    root,
    downloads: join(root, 'downloads'),
    apt: join(root, 'apt'),
    toolchain: join(root, 'toolchain'),
    checkout: join(version, 'checkout'),
    tree,
    buildDirectory: join(tree, pin.build.buildDirectory),
    logs: join(version, 'logs'),
    sdk: join(root, 'sdk'),
    nodeHeaders: join(root, 'node-headers'),
    lock: join(root, 'build.lock'),
  }
}
