import { HostRegion } from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import type { Suite } from '../context.ts'
import type { SumKernel } from '../kernels/sums.ts'
import { patchedEngine } from '../patched.ts'
import { type Contender, repeated } from '../race.ts'
import { attachedScan } from '../scans.ts'
import { nativeSum } from './scan.ts'

const kernels: readonly SumKernel[] = [
  { type: 'i32', simd: false },
  { type: 'i64', simd: false },
  { type: 'f32', simd: false },
  { type: 'i64', simd: true },
]

/** What bounds checks cost, and what is left without them. */
export const trustedSuite: Suite = {
  name: 'trusted',
  title: "Programs without bounds checks, in the processor's cache",
  async run(context) {
    const bytes = context.quick ? 2 ** 18 : 2 ** 19
    const passes = context.quick ? 2 : 1000
    // Not closed: the memory of code without bounds checks has no pages to go back to.
    const region = HostRegion.allocate(bytes, { guarded: true })
    for (const kernel of kernels) {
      fillColumn(region, kernel.type)
      const scan = (boundsChecks: 'exact' | 'region') =>
        attachedScan(patchedEngine, kernel, region, { windowSize: bytes, boundsChecks })
      const [exact, unchecked] = [scan('exact'), scan('region')]
      const contender = (name: string, { run }: typeof exact): Contender => ({
        name,
        run: () => repeated(passes, run),
      })
      const contenders = [
        contender(names.patched, exact),
        contender("boundsChecks: 'region'", unchecked),
      ]
      if (context.native !== undefined) {
        const variant = kernel.simd ? 'Simd' : 'Scalar'
        contenders.push({
          name: names.native,
          ...nativeSum(context.native, variant, kernel.type, region, passes),
        })
      }
      try {
        await context.race({
          suite: trustedSuite.name,
          case: `${kernel.type}, ${kernel.simd ? 'SIMD' : 'scalar'}`,
          contenders,
          unit: 'GB/s',
          bytes,
        })
      } finally {
        exact.close()
        unchecked.close()
      }
    }
  },
}
