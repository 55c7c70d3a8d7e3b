import * as engine from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import type { SumKernel } from '../kernels/sums.ts'
import type { Variant } from '../native/compiler.ts'
import type { Native, NativeSum, ValueType } from '../native/native.ts'
import { patchedEngine } from '../patched.ts'
import { type Contender, repeated, timed } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { attachedScan, copiedScan, type Scan } from '../scans.ts'

export const scanSuite: Suite = {
  name: 'scan',
  title: 'Sum of a column',
  async run(context) {
    const { sizes, fit } = context
    const places = [
      { where: '', bytes: fit(sizes.column, 1.5, 'the column'), passes: 1 },
      { where: inCache, bytes: sizes.cached, passes: context.quick ? 2 : 1000 },
    ]
    for (const { where, bytes, passes } of places) {
      await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
        let filled: ValueType | undefined
        for (const sum of sums) {
          if (filled !== sum.kernel.type) fillColumn(region, sum.kernel.type)
          filled = sum.kernel.type
          await raceSums(context, region, { ...sum, name: sum.name + where }, passes)
        }
      })
    }
  },
}

/** What the names of cases over little data end with. */
export const inCache = ', in cache'
export const eightSums = 'f64, 8 sums'

interface Sum {
  readonly name: string
  readonly kernel: SumKernel
  readonly loop: NativeSum
  readonly variants: readonly Variant[]
}

const sums: readonly Sum[] = [
  ...(['i32', 'i64', 'f32'] as const).flatMap((type): Sum[] => [
    { name: `${type}, scalar`, kernel: { type, simd: false }, loop: type, variants: ['Scalar'] },
    { name: `${type}, SIMD`, kernel: { type, simd: true }, loop: type, variants: ['Simd', 'Wide'] },
  ]),
  {
    name: eightSums,
    kernel: { type: 'f64', simd: false, sums: 8 },
    loop: 'f64, eight sums',
    variants: ['Scalar'],
  },
  {
    name: `${eightSums}, SIMD`,
    kernel: { type: 'f64', simd: true },
    loop: 'f64, eight sums',
    variants: ['Simd', 'Wide'],
  },
]

/** What the native loop takes. */
export function nativeSum(
  native: Native,
  variant: Variant,
  loop: NativeSum,
  region: engine.HostRegion,
  passes = 1,
): Pick<Contender, 'run'> {
  return {
    run() {
      const { processor, result: sum } = timed(() => native.sum(variant, loop, region, passes))
      const [result, seconds] = sum
      return { result, seconds, processor: processor / passes }
    },
  }
}

async function raceSums(
  context: BenchContext,
  region: engine.HostRegion,
  { name, kernel, loop, variants }: Sum,
  passes: number,
): Promise<void> {
  const { sizes, native } = context
  const scans: Scan[] = []
  const windowSize = Math.min(sizes.window, region.byteLength)
  const contenders: Contender[] = []
  const add = (name: string, scan: Scan, note?: string) => {
    scans.push(scan)
    const run = () => repeated(passes, scan.run)
    contenders.push({ name, run, ...(note === undefined ? {} : { note }) })
  }
  const windows = (size: number) => `windows of ${formatSize(size)}`
  const plain = { ...kernel, pairs: false }
  const hasPairs = kernel.type === 'i32' && !kernel.simd
  add(
    names.patched,
    attachedScan(patchedEngine, kernel, region, { windowSize }),
    hasPairs ? 'one load of 64 bits for two values' : undefined,
  )
  add(names.copied, copiedScan(kernel, region, windowSize), windows(windowSize))
  if (windowSize > 2 * sizes.smallWindow) {
    add(
      names.copiedSmall,
      copiedScan(kernel, region, sizes.smallWindow),
      `${windows(sizes.smallWindow)}, which stay in the cache`,
    )
  }
  if (hasPairs) {
    add(names.patchedPlain, attachedScan(patchedEngine, plain, region, { windowSize }))
  }
  for (const variant of native === undefined ? [] : variants) {
    contenders.push({
      name: variant === 'Wide' ? names.nativeWide : names.native,
      ...nativeSum(native!, variant, loop, region, passes),
    })
  }
  try {
    await context.race({
      suite: scanSuite.name,
      case: name,
      contenders,
      baseline: native === undefined ? names.copied : names.native,
      unit: 'GB/s',
      bytes: region.byteLength,
    })
  } finally {
    for (const scan of scans) scan.close()
  }
}
