import { backends } from 'v8-rawmem'
import { ContenderProcess } from '../child/process.ts'
import type { Job } from '../child/protocol.ts'
import type { Suite } from '../context.ts'
import { formatSize } from '../report/format.ts'

/** What the patch buys, and what it costs: the same programs by each backend, over columns of their own. */
export const backendsSuite: Suite = {
  name: 'backends',
  title: 'Backends',
  async run(context) {
    const { quick } = context
    const available = backends().filter(({ name, available, reason }) => {
      if (!available) context.remark(`The backend ${name} is left out: ${reason}`)
      return available
    })
    const bytes = context.fit(quick ? 2 ** 22 : 2 ** 30, 1.2 * available.length, 'each backend')
    const windowSize = bytes / 64
    const children: { name: string; process: ContenderProcess }[] = []
    try {
      for (const { name } of available) {
        const process = await ContenderProcess.start({ backend: name, bytes, windowSize })
        children.push({ name, process })
      }
      const race = async (name: string, unit: 'GB/s' | 'ns', job: Job) => {
        await context.race({
          suite: backendsSuite.name,
          case: name,
          contenders: children.map(({ name, process }) => ({ name, run: () => process.run(job) })),
          baseline: 'patched',
          unit,
          bytes,
        })
      }
      // Scans come first: the pages are there then.
      for (const simd of [true, false]) {
        await race(`scan, i64, ${simd ? 'SIMD' : 'scalar'}`, 'GB/s', {
          kind: 'scan',
          kernel: { type: 'i64', simd },
          passes: 1,
        })
      }
      await race('switch', 'ns', { kind: 'switch', touch: false, passes: quick ? 4 : 500 })
      await race(`switch and touch ${formatSize(windowSize)}`, 'ns', {
        kind: 'switch',
        touch: true,
        passes: quick ? 1 : 4,
      })
    } finally {
      for (const { process } of children) process.stop()
    }
  },
}
