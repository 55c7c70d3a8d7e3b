import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  loadPin,
  type Pin,
  readSeries,
  type Series,
  type Target,
  targetOf,
  thisPlatform,
} from './pin.ts'
import { type Clang, findClang } from './toolchain.ts'

/** This checkout, whose scripts are running. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What every stage works with. */
export interface BuildContext {
  /** The folder with v8.lock.json and the patches. */
  readonly project: string
  readonly pin: Pin
  readonly series: Series
  /** What V8 and the addons are built for. */
  readonly target: Target
  /** The pinned clang for the target, which is asked once what it is. */
  clang(): Promise<Clang>
  readonly cache: CacheLayout
}

/** Reads the project's pin and series, and lays out the cache. */
export async function openContext(options: {
  project: string
  cache?: string | undefined
  /** A platform of the lock file; left out, this one. */
  target?: string | undefined
  /** A variant of the lock file; left out, what is published. */
  variant?: string | undefined
}): Promise<BuildContext> {
  const pin = await loadPin(options.project)
  const target = targetOf(pin, options.target ?? thisPlatform, options.variant)
  let clang: Promise<Clang> | undefined
  return {
    project: options.project,
    pin,
    target,
    series: await readSeries(options.project, pin),
    clang() {
      clang ??= findClang(pin.toolchain.clang, target.cross?.triple)
      return clang
    },
    cache: cacheLayout(cacheRoot(options.cache), pin, target),
  }
}

/** The cache folder: the one named, else `v8-rawmem` in XDG_CACHE_HOME, else in ~/.cache. */
export function cacheRoot(named?: string): string {
  if (named) return resolve(named)
  const base = process.env.XDG_CACHE_HOME
  // The XDG specification wants relative paths ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'v8-rawmem')
}

/** Where SDKs for a target are: unpacked by key, the link `current`, and packed. */
export function sdkFolder(
  root: string,
  { platform, cross, variant }: Pick<Target, 'platform' | 'cross' | 'variant'>,
): string {
  return join(root, 'sdk', cross ? platform : '', variant ?? '')
}

/** Where the build keeps what it fetches and makes. Everything in it can be deleted and made again. */
export type CacheLayout = ReturnType<typeof cacheLayout>

/** The places of everything in the cache folder `root`. */
export function cacheLayout(root: string, pin: Pin, target = targetOf(pin, thisPlatform)) {
  const version = join(root, pin.v8.version)
  const tree = join(version, 'v8')
  return {
    root,
    /** Source archives, whole and checked; `*.part` while they arrive. */
    downloads: join(root, 'downloads'),
    /** The private apt configuration and its lists. */
    apt: join(root, 'apt'),
    /** GN, one folder for each source it was built from. */
    toolchain: join(root, 'toolchain'),
    /** The repositories that depot_tools brings, until the work tree is made of them. */
    checkout: join(version, 'checkout'),
    /** The V8 work tree of the pinned version. */
    tree,
    /** Where GN and ninja put what they make. */
    buildDirectory: join(tree, target.buildDirectory),
    /** Logs of the tools, one for each stage. */
    logs: join(version, 'logs'),
    sdk: sdkFolder(root, target),
    /** Debug files of the addons, by build id. */
    symbols: join(root, 'symbols'),
    /** Node headers for the binding. */
    nodeHeaders: join(root, 'node-headers'),
    /** Held by the one build that may work in this cache. */
    lock: join(root, 'build.lock'),
  } as const
}
