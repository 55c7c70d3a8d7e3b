import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NodeBackendsBinding } from './backends/node/binding.ts'
import type { RegionBinding } from './host-region.ts'
import type { EngineBinding } from './web-assembly/engine.ts'

/** What both addons export: the one with V8 inside, and the small one for the backends on Node's own V8. */
export interface Binding {
  readonly region: RegionBinding
  readonly nodeBackends: NodeBackendsBinding
}

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)))
const prebuildsFolder = join(packageRoot, 'prebuilds')
/** With V8 inside, and all backends. */
const engineAddon = 'v8-rawmem.node'
/** The node backends only. */
const nodeAddon = 'v8-rawmem-node.node'

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
    .flatMap((folder) =>
      [engineAddon, nodeAddon]
        .filter((name) => existsSync(join(prebuildsFolder, folder, name)))
        .map((name) => `${folder}/${name}`),
    )
    .sort()
}

function loadError(reason: string, cause?: unknown): Error {
  const prebuilds = availablePrebuilds()
  return new Error(
    `v8-rawmem: ${reason}\n` +
      `  This is Node ${process.version} on ${platformName()}; prebuilt bindings are there for: ${
        prebuilds.length === 0 ? 'none' : prebuilds.join(', ')
      }.\n` +
      '  To build V8 and the binding from source, in a checkout of v8-rawmem:\n' +
      '    npm run v8 -- all && npm run build:binding\n' +
      "  To build only the backends that use Node's own V8 (Linux, a C++ compiler, a minute):\n" +
      '    npm run build:binding -- --node-backends\n' +
      '  To use a binding from elsewhere, set V8_RAWMEM_BINDING to the path of its .node file.',
    cause === undefined ? undefined : { cause },
  )
}

interface Loaded {
  readonly binding: Binding
  readonly path: string
  /** Why there is no engine in it. */
  readonly withoutEngine: string | undefined
}

interface Failure {
  readonly reason: string
  readonly cause?: unknown
}

function tryToLoad(path: string): Binding | Failure {
  if (!existsSync(path)) return { reason: `there is no prebuilt binding ${path}` }
  try {
    return createRequire(import.meta.url)(path) as Binding
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    return { reason: `the binding ${path} cannot be loaded: ${message}`, cause }
  }
}

function isEngine(candidate: object): candidate is EngineBinding {
  return 'start' in candidate
}

/** One process loads one addon, so that there is one class HostRegion whatever backends are used. */
function load(): Loaded {
  const chosen = process.env.V8_RAWMEM_BINDING
  if (chosen) {
    const path = resolve(chosen)
    if (!existsSync(path)) {
      throw loadError(`V8_RAWMEM_BINDING names a file that does not exist: ${chosen}`)
    }
    const binding = tryToLoad(path)
    if ('reason' in binding) throw loadError(binding.reason, binding.cause)
    const withoutEngine = isEngine(binding)
      ? undefined
      : `V8_RAWMEM_BINDING names a binding without V8: ${chosen}`
    return { binding, path, withoutEngine }
  }
  const folder = join(prebuildsFolder, `${process.platform}-${process.arch}`)
  const wanted = process.env.V8_RAWMEM_BACKEND
  const small = wanted?.startsWith('node-') ?? false
  const failures: Failure[] = []
  for (const name of small ? [nodeAddon, engineAddon] : [engineAddon, nodeAddon]) {
    const path = join(folder, name)
    const binding = tryToLoad(path)
    if ('reason' in binding) {
      failures.push(binding)
      continue
    }
    const withoutEngine = isEngine(binding)
      ? undefined
      : small
        ? `V8_RAWMEM_BACKEND is '${wanted}', for which the binding without V8 was loaded`
        : failures[0]?.reason
    return { binding, path, withoutEngine }
  }
  // What was there and failed says more than what is missing.
  const failure = failures.find(({ cause }) => cause !== undefined)
  throw loadError(
    failure?.reason ?? 'there is no prebuilt binding for this platform.',
    failure?.cause,
  )
}

const loaded = load()

/** The addon, loaded when this module is first imported. */
export const binding: Binding = loaded.binding

/** Its path. */
export const bindingPath: string = loaded.path

/** The addon's functions for the V8 inside; undefined if it has none. */
export const engineBinding: EngineBinding | undefined = isEngine(loaded.binding)
  ? loaded.binding
  : undefined

/** Why there is no {@link engineBinding}. */
export const withoutEngine: string | undefined = loaded.withoutEngine
