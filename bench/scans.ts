import type * as api from 'v8-rawmem'
import type { HostRegion } from 'v8-rawmem'
import { type Copier, WindowCopier } from './copies.ts'
import { type SumExports, type SumKernel, sumKernel } from './kernels/sums.ts'
import { type Measurement, timed } from './race.ts'
import { memoryForCopies, stock } from './stock.ts'

/** The part of the package that scans need; every backend has it. */
export type Engine = Pick<
  api.Backend,
  'ChunkFeeder' | 'HostRegion' | 'HostWindows' | 'WebAssembly' | 'name'
>

/** The memory that a module imports. One backend maps windows into it, so that it must be as large as they are. */
export function memoryFor(
  { name, WebAssembly }: Engine,
  windowSize: number,
  address: 'i32' | 'i64' = 'i32',
): api.WebAssembly.Memory {
  const pages = name === 'node-rewire' ? Math.ceil(windowSize / 65_536) : 1
  return new WebAssembly.Memory(
    address === 'i64' ? { initial: BigInt(pages), address } : { initial: pages },
  )
}

/** A module over a region, ready to be run again and again. */
export interface Scan {
  run(): Measurement
  close(): void
}

export interface WindowOptions {
  readonly windowSize: number
  readonly address?: 'i32' | 'i64'
  readonly boundsChecks?: 'exact' | 'region'
}

/** A sum by WebAssembly that reads the region where it lies, window by window. */
export function attachedScan(
  engine: Engine,
  kernel: SumKernel,
  region: HostRegion,
  options: WindowOptions,
): Scan {
  const { WebAssembly } = engine
  const address = options.address ?? 'i32'
  const { feeder, imports } = feed(engine, kernel, region, { ...options, address })
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(
      sumKernel({ ...kernel, address }),
      options.boundsChecks && { boundsChecks: options.boundsChecks },
    ),
    imports,
  )
  const { run } = instance.exports as unknown as SumExports
  return {
    run() {
      feeder.rewind()
      const { seconds, result } = timed(run)
      return { seconds, result: wrapped(result) }
    },
    close: () => feeder.close(),
  }
}

/** What moves the windows, and what the module of the kernel imports for that. */
function feed(
  engine: Engine,
  { place = 'memory 0' }: SumKernel,
  region: HostRegion,
  options: WindowOptions & { readonly address: 'i32' | 'i64' },
): { feeder: { rewind(): void; close(): void }; imports: api.WebAssembly.Imports } {
  const { ChunkFeeder, HostWindows, WebAssembly } = engine
  const { windowSize, address } = options
  // Code without bounds checks links with guarded memory only.
  const memory =
    options.boundsChecks === 'region'
      ? new WebAssembly.Memory({ host: region })
      : memoryFor(engine, windowSize, address)
  if (place === 'window 0') {
    const windows = new HostWindows([region], { windowSize })
    return { feeder: windows, imports: { ...windows.imports, env: { memory } } }
  }
  const memoryIndex = place === 'memory 1' ? 1 : 0
  const feeder = new ChunkFeeder(region, { windowSize, address, memoryIndex })
  const own = new WebAssembly.Memory({ initial: 1 })
  return { feeder, imports: { env: { next: feeder.next, memory, own } } }
}

/**
 * The same module in Node's own WebAssembly, which copies each window into its memory first; `copier` does it.
 *
 * Node's V8 replaces code of its baseline compiler by optimised code when it has run for a while, and the next call finds it:
 * the run that does not count sees to that.
 */
export function copiedScan(
  kernel: SumKernel,
  region: HostRegion,
  windowSize: number,
  copier: Copier = new WindowCopier(region, windowSize),
): Scan {
  const memory = memoryForCopies(windowSize)
  const next = () => copier.copyTo(bytes)

  const instance = new stock.Instance(new stock.Module(sumKernel(kernel)), {
    env: { next, memory },
  })
  const { run } = instance.exports as unknown as SumExports
  let bytes = new Uint8Array(0)
  const from = (bytesToRead: number) => {
    // A memory that grows has another buffer.
    if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer)
    copier.rewind(bytesToRead)
    return run()
  }
  // Many short calls: a single long one would stay in baseline code to its end.
  for (let i = 0; i < 50; i++) from(Math.min(region.byteLength, 1 << 20))
  return {
    run() {
      const { seconds, result } = timed(() => from(region.byteLength))
      return { seconds, result: wrapped(result) }
    },
    close() {},
  }
}

/** Sums of integers are modulo 2^64. */
function wrapped(result: bigint | number): bigint | number {
  return typeof result === 'number' ? result : BigInt.asIntN(64, result)
}
