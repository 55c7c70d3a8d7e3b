import * as engine from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import type { Variant } from '../native/compiler.ts'
import type { Native, NativeSum } from '../native/native.ts'
import { patchedEngine } from '../patched.ts'
import type { Contender } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { attachedScan, copiedScan, type Scan } from '../scans.ts'

export const scanSuite: Suite = {
  name: 'scan',
  title: 'Sum of a column',
  async run(context) {
    const { sizes, fit } = context
    const bytes = fit(sizes.column, 1.5, 'the column')
    await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
      for (const type of ['i32', 'i64', 'f32'] as const) {
        fillColumn(region, type)
        for (const simd of [false, true]) await raceSums(context, region, type, simd)
      }
    })
  },
}

/** What the native loop takes. */
export function nativeSum(
  native: Native,
  variant: Variant,
  loop: NativeSum,
  region: engine.HostRegion,
  passes?: number,
): Pick<Contender, 'run'> {
  return {
    run() {
      const [result, seconds] = native.sum(variant, loop, region, passes)
      return { result, seconds }
    },
  }
}

async function raceSums(
  context: BenchContext,
  region: engine.HostRegion,
  type: 'i32' | 'i64' | 'f32',
  simd: boolean,
): Promise<void> {
  const { sizes, native } = context
  const kernel = { type, simd }
  const scans: Scan[] = []
  const open = (scan: Scan): Scan => {
    scans.push(scan)
    return scan
  }
  const windowSize = Math.min(sizes.window, region.byteLength)
  const attached = open(attachedScan(patchedEngine, kernel, region, { windowSize }))
  const copied = open(copiedScan(kernel, region, windowSize))
  const copiedSmall = open(copiedScan(kernel, region, sizes.smallWindow))
  const contenders: Contender[] = [
    {
      name: names.patched,
      run: attached.run,
      ...(type === 'i32' && !simd ? { note: 'one load of 64 bits for two values' } : {}),
    },
    {
      name: names.copied,
      note: `windows of ${formatSize(windowSize)}`,
      run: copied.run,
    },
    {
      name: names.copiedSmall,
      note: `windows of ${formatSize(sizes.smallWindow)}, which stay in the cache`,
      run: copiedSmall.run,
    },
  ]
  if (type === 'i32' && !simd) {
    const plain = open(
      attachedScan(patchedEngine, { ...kernel, pairs: false }, region, { windowSize }),
    )
    contenders.push({ name: names.patchedPlain, run: plain.run })
  }
  if (native !== undefined) {
    const variant = simd ? 'Simd' : 'Scalar'
    contenders.push({ name: names.native, ...nativeSum(native, variant, type, region) })
    if (simd) {
      contenders.push({ name: names.nativeWide, ...nativeSum(native, 'Wide', type, region) })
    }
  }
  try {
    await context.race({
      suite: scanSuite.name,
      case: `${type}, ${simd ? 'SIMD' : 'scalar'}`,
      contenders,
      baseline: native === undefined ? names.copied : names.native,
      unit: 'GB/s',
      bytes: region.byteLength,
    })
  } finally {
    for (const scan of scans) scan.close()
  }
}
