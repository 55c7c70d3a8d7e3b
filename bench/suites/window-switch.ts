import * as engine from 'v8-rawmem'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import { type SwitchExports, switchKernel } from '../kernels/switches.ts'
import type { Native } from '../native/native.ts'
import { type Contender, timed } from '../race.ts'
import { formatSize } from '../report/format.ts'

export const feederSwitch = 'ChunkFeeder, from inside WebAssembly'
export const callbackSwitch = 'import callback in JavaScript'
export const attachSwitch = 'setWasmInstanceRawMemory, from JavaScript'
export const mapFixedSwitch = 'mmap(MAP_FIXED)'
export const mapFixedTouched = 'mmap(MAP_FIXED), and first touch of its pages'
export const copySwitch = 'memcpy of the window'

/** Enough of them for copies to come from memory. */
const windowsInRegion = 512

export const windowSwitchSuite: Suite = {
  name: 'switch',
  title: 'Switch to another window',
  async run(context) {
    for (const windowSize of context.sizes.switched) {
      // Mostly address space: only a part of it is ever touched.
      await withRegion(engine.HostRegion.allocate(windowsInRegion * windowSize), (region) =>
        raceSwitches(context, region, windowSize),
      )
    }
  },
}

async function raceSwitches(
  context: BenchContext,
  region: engine.HostRegion,
  windowSize: number,
): Promise<void> {
  const { native, quick } = context
  const switches = quick ? 1024 : 131_072
  const passes = switches / windowsInRegion

  const feeder = new engine.ChunkFeeder(region, { windowSize })
  const fed = instantiate(feeder.next)
  let position = 0
  // As one would write it without a feeder.
  const called = instantiate(() => {
    const window = region.subarray(position, position + windowSize)
    position += windowSize
    if (window.byteLength > 0) engine.setWasmInstanceRawMemory(called, window)
    return window.byteLength
  })
  const attached = instantiate(() => 0)
  const windows = [
    region.subarray(0, windowSize),
    region.subarray(windowSize, 2 * windowSize),
  ] as const

  const contenders: Contender[] = [
    {
      name: feederSwitch,
      run() {
        const { run } = fed.exports as unknown as SwitchExports
        const { seconds } = timed(() => {
          for (let pass = 0; pass < passes; pass++) {
            feeder.rewind()
            run()
          }
        })
        return { seconds, operations: switches }
      },
    },
    {
      name: callbackSwitch,
      run() {
        const { run } = called.exports as unknown as SwitchExports
        const { seconds } = timed(() => {
          for (let pass = 0; pass < passes / 16; pass++) {
            position = 0
            run()
          }
        })
        return { seconds, operations: switches / 16 }
      },
    },
    {
      name: attachSwitch,
      run() {
        const [one, other] = windows
        const { seconds } = timed(() => {
          for (let i = 0; i < switches; i += 2) {
            engine.setWasmInstanceRawMemory(attached, one)
            engine.setWasmInstanceRawMemory(attached, other)
          }
        })
        return { seconds, operations: switches }
      },
    },
  ]

  if (native !== undefined) {
    contenders.push({
      name: mapFixedSwitch,
      run: remapped(native, windowSize, quick ? 10 : 1000, false),
    })
  }
  // Source and target of copies, and the memory file that is mapped.
  const source = context.quick ? 2 * windowSize : Math.max(windowSize, 2 ** 30)
  const needed = source + 3 * windowSize
  let target: engine.HostRegion | undefined
  if (
    native !== undefined &&
    context.fit(needed, 1, `copies of ${formatSize(windowSize)}`) === needed
  ) {
    target = engine.HostRegion.allocate(windowSize)
    const to = target
    // Windows that come from memory, as the next one does, not from the processor's cache.
    const from: engine.HostRegion[] = []
    for (let begin = 0; begin < source; begin += windowSize) {
      const window = region.subarray(begin, begin + windowSize)
      // Memory that nobody has written is all one page of zeros.
      window.view(Uint8Array).fill(1)
      from.push(window)
    }
    contenders.push(
      {
        name: mapFixedTouched,
        note: 'pages of 4 KiB, 16 of which the kernel maps at a time',
        run: remapped(native, windowSize, Math.max(2, Math.min(128, 2 ** 29 / windowSize)), true),
      },
      {
        name: copySwitch,
        run() {
          let seconds = 0
          for (const window of from) seconds += native.copy(to, window)
          return { seconds, operations: from.length }
        },
      },
    )
  }
  try {
    await context.race({
      suite: windowSwitchSuite.name,
      case: `windows of ${formatSize(windowSize)}`,
      contenders,
      baseline: target === undefined ? attachSwitch : copySwitch,
      unit: 'ns',
      bytes: windowSize,
    })
  } finally {
    feeder.close()
    for (const instance of [called, attached]) engine.setWasmInstanceRawMemory(instance, null)
    target?.close()
  }
}

function remapped(
  native: Native,
  windowSize: number,
  switches: number,
  touch: boolean,
): Contender['run'] {
  return () => {
    const { processor, result } = timed(() => native.remap(windowSize, switches, touch))
    return { seconds: result, processor: processor / switches }
  }
}

function instantiate(next: () => number | bigint): engine.WebAssembly.Instance {
  return new engine.WebAssembly.Instance(new engine.WebAssembly.Module(switchKernel()), {
    env: { next, memory: new engine.WebAssembly.Memory({ initial: 1 }) },
  })
}
