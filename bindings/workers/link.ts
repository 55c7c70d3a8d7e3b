import type { Backend } from '../../types/backend.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { Wasi } from '../../types/wasi.d.ts'
import type {
  Imports,
  Instance,
  Module,
  ModuleImportDescriptor,
} from '../../types/web-assembly.d.ts'
import { controlBlock, defaultWindowSize } from '../feeder/options.ts'
import { defaultHostWindowSize } from '../feeder/window-addresses.ts'
import { wasi } from '../wasi/wasi.ts'
import { abortFunction } from './assemblyscript.ts'
import { describe } from './describe.ts'
import type { Job } from './job.ts'

/** The module that programs import host windows from. */
const windowModule = 'rawmem'
const wasiModule = 'wasi_snapshot_preview1'

/**
 * What compilers have programs import besides: AssemblyScript to tell of an error, Emscripten of
 * memory that grew.
 */
const helpers: Readonly<Record<string, (instance: () => Instance) => object>> = {
  'env.abort': abortFunction,
  'env.emscripten_notify_memory_growth': () => () => {},
}

/** An instance that sees its regions, and what ends with it. */
export interface Linked {
  readonly instance: Instance
  /** Undefined if the module imports nothing of WASI. */
  readonly host: Wasi | undefined
  /** Whether anything of the regions has been shown. */
  hasSeen(): boolean
  close(): void
}

/** Where regions are shown, as the module wants it. */
interface Shown {
  readonly imports: Imports
  hasSeen(): boolean
  close(): void
}

function fullName({ module, name }: ModuleImportDescriptor): string {
  return `${module}.${name}`
}

/** A whole number of records, unless a window has room for all or for no record. */
function fitWindow(windowSize: number, recordBytes: number, byteLength: number): number {
  if (windowSize >= byteLength) return windowSize
  return windowSize - (windowSize % recordBytes) || windowSize
}

function showWindows(
  { HostWindows }: Backend,
  regions: readonly (HostRegion | null)[],
  { feeder, recordBytes, control }: Job,
): Shown {
  const { address, memoryIndex, windowSize, ...options } = feeder
  if (address !== 'i32' || memoryIndex !== 0) {
    throw new TypeError(
      "address and memoryIndex are for programs that import 'env.next'; host windows are in memory 0, with 32-bit addresses",
    )
  }
  const counters = new BigUint64Array(control.buffer, control.byteOffset + 8, 2)
  const progress: { position: number; windows: number }[] = []
  const longest = Math.max(...regions.map((region) => region?.byteLength ?? 0))
  const windows = new HostWindows(regions, {
    ...options,
    windowSize: windowSize ?? fitWindow(defaultHostWindowSize, recordBytes, longest),
    onProgress({ window, position, windows }) {
      progress[window] = { position, windows }
      const all = Object.values(progress)
      const sum = (of: (each: (typeof all)[number]) => number) =>
        BigInt(all.reduce((total, each) => total + of(each), 0))
      Atomics.store(
        counters,
        0,
        sum(({ position }) => position),
      )
      Atomics.store(
        counters,
        1,
        sum(({ windows }) => windows),
      )
    },
  })
  return {
    imports: { ...windows.imports },
    hasSeen: () => true,
    close: () => windows.close(),
  }
}

function showFeeder(
  { ChunkFeeder }: Backend,
  regions: readonly (HostRegion | null)[],
  { feeder, recordBytes, control }: Job,
  { module, name }: ModuleImportDescriptor,
): Shown {
  const [region] = regions
  if (regions.length !== 1 || region === null || region === undefined) {
    throw new TypeError(
      `regions: the module imports '${module}.${name}', which shows one region; got ${regions.length}. Programs that import from '${windowModule}' see up to eight`,
    )
  }
  const { byteLength } = region
  const largest = defaultWindowSize(feeder.address, byteLength)
  const fed = new ChunkFeeder(region, {
    ...feeder,
    windowSize: feeder.windowSize ?? fitWindow(largest, recordBytes, byteLength),
    [controlBlock]: control,
  } as object)
  return {
    imports: { [module]: { [name]: fed.next } },
    hasSeen: () => fed.windows > 0,
    close: () => fed.close(),
  }
}

/**
 * Shows the regions as the module wants it: in host windows, or in the memory that the import
 * `next` moves.
 */
function show(
  backend: Backend,
  regions: readonly (HostRegion | null)[],
  job: Job,
  imports: readonly ModuleImportDescriptor[],
): Shown {
  if (imports.some(({ module }) => module === windowModule)) {
    return showWindows(backend, regions, job)
  }
  const next = imports.find((each) => each.kind === 'function' && fullName(each) === job.next)
  if (next === undefined) {
    throw new TypeError(
      `next: the module imports no function '${job.next}', and nothing from '${windowModule}'; its imports are: ${describe(imports)}`,
    )
  }
  return showFeeder(backend, regions, job, next)
}

/** Instantiates the module with all that it may import. The caller closes what comes back. */
export function link(
  backend: Backend,
  module: Module,
  regions: readonly (HostRegion | null)[],
  job: Job,
): Linked {
  const { WebAssembly } = backend
  const wanted = WebAssembly.Module.imports(module)
  const shown = show(backend, regions, job, wanted)
  try {
    const host = wanted.some(({ module }) => module === wasiModule) ? wasi(job.wasi) : undefined
    const imports: Imports = { ...shown.imports, ...host?.imports }
    for (const each of wanted) {
      const helper = each.kind === 'function' ? helpers[fullName(each)] : undefined
      if (helper !== undefined && imports[each.module]?.[each.name] === undefined) {
        imports[each.module] = { ...imports[each.module], [each.name]: helper(() => instance) }
      }
    }
    const others = wanted.filter(
      ({ module, name, kind }) => kind !== 'function' || imports[module]?.[name] === undefined,
    )
    if (others.length > 0) {
      throw new TypeError(
        `The module must import nothing but '${job.next}' or functions of '${windowModule}' and '${wasiModule}', since no function, memory or table travels to another thread; it also imports: ${describe(others)}`,
      )
    }
    const instance = new WebAssembly.Instance(module, imports)
    return { instance, host, hasSeen: shown.hasSeen, close: shown.close }
  } catch (error) {
    shown.close()
    throw error
  }
}
