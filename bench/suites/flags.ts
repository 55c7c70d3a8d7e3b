import { HostRegion } from 'v8-rawmem'
import { ContenderProcess } from '../child/process.ts'
import { fillColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import type { SumKernel } from '../kernels/sums.ts'
import type { Contender } from '../race.ts'
import { nativeSum } from './scan.ts'

/** What V8 does by default, and what its flags make of it. */
export const unchecked = 'without bounds checks'
const engines = [
  { name: names.patched, flags: '' },
  { name: unchecked, flags: '--no-wasm-bounds-checks', note: 'unsafe; shows what checks cost' },
  { name: 'without loop unrolling', flags: '--no-wasm-loop-unrolling' },
  { name: 'vectors of 256 bits', flags: '--experimental-wasm-revectorize' },
  { name: 'baseline code', flags: '--liftoff-only', note: 'Liftoff' },
] as const

/** Where the time goes: the same loops by engines with other flags. In the cache, so that memory does not hide it. */
export const flagsSuite: Suite = {
  name: 'flags',
  title: "Flags of V8, in the processor's cache",
  async run(context) {
    const bytes = context.quick ? 2 ** 18 : 2 ** 19
    const children = await Promise.all(
      engines.map(({ flags }) =>
        ContenderProcess.start(
          { backend: 'patched', bytes, windowSize: bytes },
          { V8_RAWMEM_FLAGS: flags },
        ),
      ),
    )
    try {
      await withRegion(HostRegion.allocate(bytes), async (region) => {
        for (const kernel of [
          { type: 'i32', simd: false },
          { type: 'i64', simd: false },
          { type: 'f32', simd: false },
          { type: 'i64', simd: true },
        ] as const) {
          fillColumn(region, kernel.type)
          await raceFlags(context, kernel, region, children)
        }
      })
    } finally {
      for (const child of children) child.stop()
    }
  },
}

async function raceFlags(
  context: BenchContext,
  kernel: SumKernel,
  region: HostRegion,
  children: readonly ContenderProcess[],
): Promise<void> {
  const { native } = context
  // One scan is over in a moment.
  const passes = context.quick ? 10 : 4000
  const contenders: Contender[] = engines.map((engine, i) => ({
    name: engine.name,
    ...(engine.flags === ''
      ? {}
      : { note: 'note' in engine ? `${engine.flags}: ${engine.note}` : engine.flags }),
    run: () => children[i]!.run({ kind: 'scan', kernel, passes }),
  }))
  if (native !== undefined) {
    const variant = kernel.simd ? 'Simd' : 'Scalar'
    contenders.push({
      name: names.native,
      ...nativeSum(native, variant, kernel.type, region, passes),
    })
  }
  await context.race({
    suite: flagsSuite.name,
    case: `${kernel.type}, ${kernel.simd ? 'SIMD' : 'scalar'}`,
    contenders,
    baseline: native === undefined ? names.patched : names.native,
    unit: 'GB/s',
    bytes: region.byteLength,
  })
}
