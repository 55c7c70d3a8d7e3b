import * as engine from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import { type Suite, withRegion } from '../context.ts'
import { patchedEngine } from '../patched.ts'
import { formatSize } from '../report/format.ts'
import { attachedScan } from '../scans.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30
/** The default of ChunkFeeder: as much as an i32 can say. */
const almost4GiB = 4 * GiB - 64 * KiB

/** How large a window should be: speed of one scan, by windows of different sizes. */
export const windowsSuite: Suite = {
  name: 'windows',
  title: 'Size of the window',
  async run(context) {
    const bytes = context.fit(context.sizes.column, 1.2, 'the column')
    await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
      fillColumn(region, 'i64')
      const windowSizes = [64 * KiB, 512 * KiB, 8 * MiB, 128 * MiB, GiB].filter(
        (size) => size < bytes,
      )
      windowSizes.push(Math.min(bytes, almost4GiB))
      const scans = windowSizes.map((windowSize) => ({
        name: windowSize === almost4GiB ? '4 GiB - 64 KiB' : formatSize(windowSize),
        scan: attachedScan(patchedEngine, { type: 'i64', simd: true }, region, { windowSize }),
      }))
      const whole = attachedScan(patchedEngine, { type: 'i64', simd: true }, region, {
        windowSize: bytes,
        address: 'i64',
      })
      scans.push({ name: `memory64, ${formatSize(bytes)}`, scan: whole })
      try {
        await context.race({
          suite: windowsSuite.name,
          case: 'i64, SIMD',
          contenders: scans.map(({ name, scan }) => ({ name, run: scan.run })),
          baseline: scans.at(-2)!.name,
          unit: 'GB/s',
          bytes,
        })
      } finally {
        for (const { scan } of scans) scan.close()
      }
    })
  },
}
