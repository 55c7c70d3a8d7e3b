import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RegionBinding } from './host-region.ts'
import type { EngineBinding } from './web-assembly/engine.ts'

/** Everything the addon exports. */
export interface Binding extends EngineBinding {
  readonly region: RegionBinding
}

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)))
const prebuildsFolder = join(packageRoot, 'prebuilds')
const addonName = 'v8-rawmem.node'

function isMusl(): boolean {
  if (process.platform !== 'linux') return false
  const report = process.report?.getReport() as
    | { header?: { glibcVersionRuntime?: string } }
    | undefined
  return report?.header !== undefined && report.header.glibcVersionRuntime === undefined
}

function platformName(): string {
  return `${process.platform}-${process.arch}${isMusl() ? ' (musl)' : ''}`
}

function availablePrebuilds(): string[] {
  if (!existsSync(prebuildsFolder)) return []
  return readdirSync(prebuildsFolder)
    .filter((folder) => existsSync(join(prebuildsFolder, folder, addonName)))
    .sort()
}

function loadError(reason: string, cause?: unknown): Error {
  const prebuilds = availablePrebuilds()
  return new Error(
    `${reason}\n` +
      `  This is Node ${process.version} on ${platformName()}; prebuilt bindings are there for: ${
        prebuilds.length === 0 ? 'none' : prebuilds.join(', ')
      }.\n` +
      '  To build V8 and the binding from source, in a checkout of v8-rawmem:\n' +
      '    npm run v8 -- all && npm run build:binding\n' +
      '  To use a binding from elsewhere, set V8_RAWMEM_BINDING to the path of its .node file.',
    cause === undefined ? undefined : { cause },
  )
}

function load(): Binding {
  const chosen = process.env.V8_RAWMEM_BINDING
  const path = chosen
    ? resolve(chosen)
    : join(prebuildsFolder, `${process.platform}-${process.arch}`, addonName)
  if (!existsSync(path)) {
    throw loadError(
      chosen
        ? `v8-rawmem: V8_RAWMEM_BINDING names a file that does not exist: ${chosen}`
        : 'v8-rawmem: there is no prebuilt binding for this platform.',
    )
  }
  try {
    return createRequire(import.meta.url)(path) as Binding
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw loadError(`v8-rawmem: the binding ${path} cannot be loaded: ${message}`, error)
  }
}

/** The addon, loaded when this module is first imported. */
export const binding: Binding = load()
