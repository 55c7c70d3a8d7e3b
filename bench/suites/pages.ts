import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as engine from 'v8-rawmem'
import { fillColumn, writeColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import type { BenchContext, Suite } from '../context.ts'
import { WindowReader } from '../copies.ts'
import { patchedEngine } from '../patched.ts'
import type { Contender } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { attachedScan, copiedScan } from '../scans.ts'
import { nativeSum } from './scan.ts'

/** Where the bytes lie: in huge pages, in small ones, in a file. */
export const pagesSuite: Suite = {
  name: 'pages',
  title: 'Kind of memory',
  async run(context) {
    const bytes = context.fit(Math.min(context.sizes.window, 2 ** 30), 3.5, 'each kind of memory')
    const allocated = engine.HostRegion.allocate(bytes)
    fillColumn(allocated, 'i64')
    const huge = hugePageBytes()
    const borrowed = engine.HostRegion.from(new ArrayBuffer(bytes))
    fillColumn(borrowed, 'i64')
    const path = join(context.scratch, 'column')
    await writeColumn(path, allocated)
    const mapped = engine.HostRegion.mapFile(path)
    const regions = [
      [
        'HostRegion.allocate',
        allocated,
        `${Math.round((100 * Math.min(huge, bytes)) / bytes)} % in huge pages`,
      ],
      ['HostRegion.from(ArrayBuffer)', borrowed, undefined],
      ['HostRegion.mapFile', mapped, 'in the page cache, mapped anew for every pass'],
    ] as const
    try {
      for (const by of [names.patched, names.native]) await raceKinds(context, by, regions)
      await raceFile(context, path, mapped)
    } finally {
      for (const [, region] of regions) region.close()
    }
  },
}

async function raceKinds(
  context: BenchContext,
  by: string,
  regions: readonly (readonly [string, engine.HostRegion, string | undefined])[],
): Promise<void> {
  const { native } = context
  if (by === names.native && native === undefined) return
  const scans = regions.map(([, region]) =>
    attachedScan(patchedEngine, { type: 'i64', simd: true }, region, {
      windowSize: region.byteLength,
    }),
  )
  const contenders = regions.map(([name, region, note], i): Contender => {
    const run = by === names.patched ? scans[i]!.run : nativeSum(native!, 'Simd', 'i64', region).run
    return { name, run, ...(note === undefined ? {} : { note }) }
  })
  try {
    await context.race({
      suite: pagesSuite.name,
      case: `i64, SIMD, ${by}`,
      contenders,
      unit: 'GB/s',
      bytes: regions[0]![1].byteLength,
    })
  } finally {
    for (const scan of scans) scan.close()
  }
}

/** What brings a file to a program. */
async function raceFile(
  context: BenchContext,
  path: string,
  mapped: engine.HostRegion,
): Promise<void> {
  const { native } = context
  const { smallWindow } = context.sizes
  const kernel = { type: 'i64', simd: true } as const
  const windowSize = mapped.byteLength
  const attached = attachedScan(patchedEngine, kernel, mapped, { windowSize })
  const file = openSync(path, 'r')
  const reader = new WindowReader(file, smallWindow)
  const contenders: Contender[] = [
    { name: names.patched, note: 'HostRegion.mapFile', run: attached.run },
    {
      name: names.read,
      note: `${formatSize(smallWindow)} at a time`,
      run: copiedScan(kernel, mapped, smallWindow, reader).run,
    },
  ]
  if (native !== undefined) {
    contenders.push({ name: names.native, ...nativeSum(native, 'Simd', 'i64', mapped) })
  }
  try {
    await context.race({
      suite: pagesSuite.name,
      case: 'i64, SIMD, a file in the page cache',
      contenders,
      baseline: names.read,
      unit: 'GB/s',
      bytes: mapped.byteLength,
    })
  } finally {
    attached.close()
    closeSync(file)
  }
}

/** Bytes of this process that lie in huge pages. */
function hugePageBytes(): number {
  const text = readFileSync('/proc/self/smaps_rollup', 'utf8')
  return 1024 * Number(/^AnonHugePages:\s*(\d+) kB/m.exec(text)?.[1] ?? 0)
}
