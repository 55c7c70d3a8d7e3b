import * as engine from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import { patchedEngine } from '../patched.ts'
import type { Contender } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { attachedScan, copiedScan } from '../scans.ts'
import { nativeSum } from './scan.ts'

/** What a scan costs as the data grow beyond a window, beyond a linear memory, beyond RAM. */
export const growthSuite: Suite = {
  name: 'growth',
  title: 'Growing data',
  async run(context) {
    for (const bytes of context.sizes.resident) {
      const fitting = context.fit(bytes, 1.1, `${formatSize(bytes)} of data`)
      if (fitting < bytes) continue
      await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
        fillColumn(region, 'i64')
        await raceSize(context, region, `${formatSize(bytes)} resident`, 3)
      })
    }
    for (const bytes of context.sizes.repeated) {
      await withRegion(repeated(context.sizes.window, bytes), (region) =>
        raceSize(context, region, `${formatSize(bytes)} repeated`, 3),
      )
    }
  },
}

/**
 * A column of `bytes` that takes memory for `window` of them. Pages that were never written would not do: some kernels
 * give each of them memory of its own once it is read.
 */
function repeated(window: number, bytes: number): engine.HostRegion {
  const part = engine.HostRegion.allocate(window, { shareable: true })
  fillColumn(part, 'i64')
  const parts = Array.from({ length: bytes / window }, (_, i) => ({ region: part, at: i * window }))
  try {
    return engine.HostRegion.compose(parts)
  } finally {
    part.close()
  }
}

async function raceSize(
  context: BenchContext,
  region: engine.HostRegion,
  name: string,
  rounds: number,
): Promise<void> {
  const { sizes, native } = context
  const kernel = { type: 'i64', simd: true } as const
  const windowSize = Math.min(sizes.window, region.byteLength)
  const scans = [
    attachedScan(patchedEngine, kernel, region, { windowSize }),
    attachedScan(patchedEngine, kernel, region, { windowSize: region.byteLength, address: 'i64' }),
    copiedScan(kernel, region, windowSize),
  ] as const
  const contenders: Contender[] = [
    { name: names.patched, note: `windows of ${formatSize(windowSize)}`, run: scans[0].run },
    { name: names.patchedMemory64, note: 'one window', run: scans[1].run },
    { name: names.copied, note: `windows of ${formatSize(windowSize)}`, run: scans[2].run },
  ]
  if (native !== undefined) {
    contenders.push({ name: names.native, ...nativeSum(native, 'Simd', 'i64', region) })
  }
  try {
    await context.race(
      {
        suite: growthSuite.name,
        case: name,
        contenders,
        baseline: native === undefined ? names.copied : names.native,
        unit: 's',
        bytes: region.byteLength,
      },
      Math.min(rounds, context.rounds),
    )
  } finally {
    for (const scan of scans) scan.close()
  }
}
