import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** With V8 inside, and all backends. */
export const engineAddon = 'v8-rawmem.node'
/** The node backends only. */
export const nodeAddon = 'v8-rawmem-node.node'

/** The folders from there to this one: in a checkout, or compiled, in dist/. */
const depth = import.meta.url.endsWith('.ts') ? 2 : 3

export const packageRoot = join(
  dirname(fileURLToPath(import.meta.url)),
  ...Array.from({ length: depth }, () => '..'),
)

const scope = '@v8-rawmem/'
const require = createRequire(import.meta.url)

/** The C library here. Required when it is asked for, because Yarn's Plug'n'Play does not help with imports in required modules. */
export function detectLibc(): { readonly family: string | null; readonly version: string | null } {
  const { familySync, versionSync } = require('detect-libc') as typeof import('detect-libc')
  return { family: familySync(), version: versionSync() }
}

interface Manifest {
  readonly version: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

export const version = readManifest(packageRoot).version

/** Those that have a package with addons: this package names them as its optional dependencies. */
export function supportedPlatforms(): string[] {
  return Object.keys(readManifest(packageRoot).optionalDependencies ?? {})
    .filter((name) => name.startsWith(scope))
    .map((name) => name.slice(scope.length))
}

/** A machine that addons are for. */
export interface Platform {
  readonly os: string
  readonly cpu: string
  /** Null where nobody knows, and on anything but Linux. */
  readonly libc: string | null
}

export function thisPlatform(): Platform {
  return { os: process.platform, cpu: process.arch, libc: detectLibc().family }
}

/** As packages and folders are called. */
export function platformName({ os, cpu }: Platform): string {
  return `${os}-${cpu}`
}

export function platformPackage(name: string): string {
  return `${scope}${name}`
}

/** A folder with addons, and the version of the package in it; undefined where it is none. */
export interface AddonFolder {
  readonly path: string
  readonly version: string | undefined
}

/** Where the package manager has put a platform's package; undefined where it is not installed. */
export function installedFolder(name: string): AddonFolder | undefined {
  try {
    const path = dirname(require.resolve(`${platformPackage(name)}/package.json`))
    return { path, version: versionIn(path) }
  } catch {
    return undefined
  }
}

/** Of the package in a folder; one that is nobody's if it cannot be read. */
function versionIn(folder: string): string {
  try {
    return readManifest(folder).version
  } catch {
    return 'unknown (its package.json is damaged)'
  }
}

/** Where a checkout builds a platform's addons, and an installed package unpacks those that it has fetched. */
export function ownFolderPath(name: string): string {
  return join(packageRoot, 'prebuilds', name)
}

/** What is there; undefined where nothing is. */
export function ownFolder(name: string): AddonFolder | undefined {
  const path = ownFolderPath(name)
  if (!existsSync(path)) return undefined
  const isPackage = existsSync(join(path, 'package.json'))
  return { path, version: isPackage ? versionIn(path) : undefined }
}
