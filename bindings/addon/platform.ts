import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The addon with the patched V8 and all backends. */
export const engineAddon = 'v8-rawmem.node'
/** The addon with the node backends only. */
export const nodeAddon = 'v8-rawmem-node.node'

function folderWithManifest(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : folderWithManifest(dirname(folder))
}

/** The folder of the package. This file lies below it: in bindings/, or compiled in dist/. */
export const packageRoot = folderWithManifest(dirname(fileURLToPath(import.meta.url)))

/** Whether this runs as JavaScript in dist/, and not as TypeScript in a checkout. */
export const isCompiled = import.meta.url.endsWith('.js')

/** A module of the package that begins a thread or process, by its path without an ending. */
export function entryPoint(path: string): URL {
  const file = isCompiled ? join('dist', `${path}.js`) : `${path}.ts`
  return pathToFileURL(join(packageRoot, file))
}

const scope = '@v8-rawmem/'

/** The oldest glibc that the addons can be loaded with: the one that Node's own releases need. */
export const oldestGlibc = '2.28'

const require = createRequire(import.meta.url)

/**
 * The C library of this machine. Loaded with `require` on first use, because Yarn's Plug'n'Play
 * does not resolve imports in required modules.
 */
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

/** Platforms with an addon package: the optional dependencies of this package. */
export function supportedPlatforms(): string[] {
  return Object.keys(readManifest(packageRoot).optionalDependencies ?? {})
    .filter((name) => name.startsWith(scope))
    .map((name) => name.slice(scope.length))
}

/** A target machine of addons. */
export interface Platform {
  readonly os: string
  readonly cpu: string
  /** Null if unknown, and on systems other than Linux. */
  readonly libc: string | null
}

export function thisPlatform(): Platform {
  return { os: process.platform, cpu: process.arch, libc: detectLibc().family }
}

/** The platform's name in names of packages and folders. */
export function platformName({ os, cpu }: Platform): string {
  return `${os}-${cpu}`
}

export function platformPackage(name: string): string {
  return `${scope}${name}`
}

/** A folder with addons and the version of its package; undefined if it is no such folder. */
export interface AddonFolder {
  readonly path: string
  readonly version: string | undefined
}

/** The folder of a platform's package; undefined if it is not installed. */
export function installedFolder(name: string): AddonFolder | undefined {
  try {
    const path = dirname(require.resolve(`${platformPackage(name)}/package.json`))
    return { path, version: versionIn(path) }
  } catch {
    return undefined
  }
}

/** The version of the package in a folder; one that no package has if it cannot be read. */
function versionIn(folder: string): string {
  try {
    return readManifest(folder).version
  } catch {
    return 'unknown (its package.json is damaged)'
  }
}

/** The folder where a checkout builds addons, and an installed package unpacks fetched ones. */
export function ownFolderPath(name: string): string {
  return join(packageRoot, 'prebuilds', name)
}

/** The folder, if it exists. */
export function ownFolder(name: string): AddonFolder | undefined {
  const path = ownFolderPath(name)
  if (!existsSync(path)) return undefined
  const isPackage = existsSync(join(path, 'package.json'))
  return { path, version: isPackage ? versionIn(path) : undefined }
}
