import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import * as engine from 'v8-rawmem'
import { fillColumn, writeColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import { WindowReader } from '../copies.ts'
import { type AccessorExports, accessorKernel } from '../kernels/accessors.ts'
import type { SumKernel } from '../kernels/sums.ts'
import { patchedEngine } from '../patched.ts'
import { type Contender, timed } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { attachedScan, copiedScan, type Scan } from '../scans.ts'
import { stock } from '../stock.ts'

export const inMemory0 = 'patched V8, memory 0'
export const inWindow = 'patched V8, host window 0'
const inMemory1 = 'patched V8, memory 1'
const accessor = 'stock Node, a function per value'

/** The kernels of this suite, and the bytes of one load. */
const kernels = [
  [{ type: 'i32', simd: false, pairs: false }, 4],
  [{ type: 'f64', simd: false }, 8],
  [{ type: 'i64', simd: true }, 16],
] as const

/** What host windows cost beside a memory that is attached whole, and what there was before. */
export const hostWindowsSuite: Suite = {
  name: 'host-windows',
  title: 'Host windows',
  async run(context) {
    const { quick, scratch } = context
    // The cache holds the one, and does not hold the other.
    const [small, large] = quick ? [2 ** 18, 2 ** 22] : [2 ** 19, 2 ** 28]
    for (const bytes of [small, context.fit(large, 2.5, 'the column')]) {
      await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
        for (const [kernel, loadBytes] of kernels) {
          fillColumn(region, kernel.type)
          const path = join(scratch, 'values')
          await writeColumn(path, region)
          const file = openSync(path, 'r')
          try {
            const where = bytes === small ? 'in cache' : 'from memory'
            for (const loads of [1, 8]) {
              const name = `${kernel.simd ? 'i64x2' : kernel.type}, ${loads === 1 ? '1 load' : `${loads} loads`}, ${where}`
              const looped = { ...kernel, bytesPerRound: loads * loadBytes }
              // Runs of some milliseconds.
              const passes = bytes === small ? (quick ? 2 : 500) : 1
              await raceWindows(context, name, looped, region, file, passes)
            }
          } finally {
            closeSync(file)
          }
        }
      })
    }
  },
}

async function raceWindows(
  context: BenchContext,
  name: string,
  kernel: SumKernel,
  region: engine.HostRegion,
  file: number,
  passes: number,
): Promise<void> {
  const { native, sizes } = context
  const { smallWindow } = sizes
  const scans: Scan[] = []
  const contenders: Contender[] = []
  const add = (name: string, scan: Scan, note?: string) => {
    scans.push(scan)
    const work = () => {
      let result = scan.run().result
      for (let pass = 1; pass < passes; pass++) result = scan.run().result
      return result
    }
    contenders.push({ name, ...(note === undefined ? {} : { note }), run: perPass(passes, work) })
  }
  const attached = (place: NonNullable<SumKernel['place']>) =>
    attachedScan(patchedEngine, { ...kernel, place }, region, { windowSize: region.byteLength })
  try {
    add(inMemory0, attached('memory 0'))
    add(inWindow, attached('window 0'))
    add(inMemory1, attached('memory 1'))
    if (native !== undefined) {
      // As many sums as the kernel has.
      const loop =
        kernel.type === 'f64' && kernel.bytesPerRound !== 8 ? 'f64, four sums' : kernel.type
      const variant = kernel.simd ? 'Simd' : 'Scalar'
      const work = () => native.sum(variant, loop, region, passes)[0]
      contenders.push({ name: names.native, run: perPass(passes, work) })
    }
    const windows = `windows of ${formatSize(smallWindow)}`
    const reader = new WindowReader(file, smallWindow)
    add(
      names.read,
      copiedScan(kernel, region, smallWindow, reader),
      `${windows}, from the page cache`,
    )
    add(names.copiedSmall, copiedScan(kernel, region, smallWindow), windows)
    if (kernel.type === 'i32' || kernel.type === 'f64') {
      add(
        accessor,
        accessorScan(kernel.type, region),
        'an import in JavaScript, from a typed array',
      )
    }
    await context.race({
      suite: hostWindowsSuite.name,
      case: name,
      contenders,
      baseline: inMemory0,
      unit: 'GB/s',
      bytes: region.byteLength,
    })
  } finally {
    for (const scan of scans) scan.close()
  }
}

/** The time of one pass of `work`, by the processor's clock: the machine need not be idle. */
function perPass(passes: number, work: () => bigint | number | undefined): Contender['run'] {
  return () => {
    const { processor, result } = timed(work)
    const seconds = processor / passes
    return { seconds, processor: seconds, ...(result === undefined ? {} : { result }) }
  }
}

/** A sum by Node's own WebAssembly, to which JavaScript gives the values one by one. */
function accessorScan(type: 'i32' | 'f64', region: engine.HostRegion): Scan {
  const values = type === 'i32' ? region.view(Int32Array) : region.view(Float64Array)
  const get = (index: number) => values[index]!
  const { exports } = new stock.Instance(new stock.Module(accessorKernel(type)), { env: { get } })
  const { run } = exports as unknown as AccessorExports
  // As in copiedScan: until there is optimised code.
  for (let i = 0; i < 50; i++) run(Math.min(values.length, 1 << 16))
  return { run: () => timed(() => run(values.length)), close() {} }
}
