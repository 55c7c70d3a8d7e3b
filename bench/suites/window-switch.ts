import * as engine from 'v8-rawmem'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import { type SwitchExports, switchKernel } from '../kernels/switches.ts'
import { type Contender, timed } from '../race.ts'
import { formatSize } from '../report/format.ts'

export const feederSwitch = 'ChunkFeeder, from inside WebAssembly'
export const callbackSwitch = 'import callback in JavaScript'
export const attachSwitch = 'setWasmInstanceRawMemory, from JavaScript'
export const mapFixedSwitch = 'mmap(MAP_FIXED)'
export const mapFixedTouched = 'mmap(MAP_FIXED), and first touch of its pages'
export const copySwitch = 'memcpy of the window'

export const windowSwitchSuite: Suite = {
  name: 'switch',
  title: 'Switch to another window',
  async run(context) {
    for (const windowSize of context.sizes.switched) {
      // Address space only: nothing but mmap and memcpy touches it.
      await withRegion(engine.HostRegion.allocate(256 * windowSize), (region) =>
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
  const passes = switches / 256

  const feeder = new engine.ChunkFeeder(region, { windowSize })
  const fed = instantiate(feeder.next)
  let windows: engine.HostRegion[] = []
  let position = 0
  // As one would write it without a feeder.
  const called = instantiate(() => {
    const window = region.subarray(position, position + windowSize)
    position += windowSize
    if (window.byteLength > 0) engine.setWasmInstanceRawMemory(called, window)
    return window.byteLength
  })
  const attached = instantiate(() => 0)
  windows = [region.subarray(0, windowSize), region.subarray(windowSize, 2 * windowSize)]

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
        const [one, other] = windows as [engine.HostRegion, engine.HostRegion]
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
      run: () => ({ seconds: native.remap(windowSize, quick ? 10 : 1000, false) }),
    })
  }
  // The memory file of the one, and source and target of the other.
  const room = context.fit(windowSize, 5, `windows of ${formatSize(windowSize)}`)
  let target: engine.HostRegion | undefined
  if (native !== undefined && room === windowSize) {
    target = engine.HostRegion.allocate(windowSize)
    const copies = Math.max(1, Math.min(64, 2 ** 28 / windowSize))
    const to = target
    contenders.push(
      {
        name: mapFixedTouched,
        note: 'pages of 4 KiB, 16 of which the kernel maps at a time',
        run: () => ({ seconds: native.remap(windowSize, 2 * copies, true) }),
      },
      {
        name: copySwitch,
        run() {
          const from = windows[0]!
          let seconds = 0
          for (let i = 0; i < copies; i++) seconds += native.copy(to, from)
          return { seconds, operations: copies }
        },
      },
    )
    // Otherwise all of the source would be one page of zeros.
    windows[0]!.view(Uint8Array).fill(1)
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

function instantiate(next: () => number | bigint): engine.WebAssembly.Instance {
  return new engine.WebAssembly.Instance(new engine.WebAssembly.Module(switchKernel()), {
    env: { next, memory: new engine.WebAssembly.Memory({ initial: 1 }) },
  })
}
