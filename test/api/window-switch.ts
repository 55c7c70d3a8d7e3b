// Run by window-switch.test.ts under various compilers of the engine. Switches windows in every place where code can call
// an import, and prints what was read as JSON. Takes two modules in base64: windows in memory 0, and in memory 1.
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'

const pageSize = 65536
const windowCount = 200

// A window's bytes all have its number. Sizes grow by a page and a bit, so that bounds move, too.
const starts: number[] = []
let total = 0
for (let i = 0; i < windowCount; ++i) {
  starts.push(total)
  total += pageSize * (1 + (i % 5)) + i
}
starts.push(total)
const region = HostRegion.allocate(total)
const windows = Array.from({ length: windowCount }, (_, i) =>
  region.subarray(starts[i], starts[i + 1] as number),
)
for (const [i, window] of windows.entries()) window.view(Uint8Array).fill(i + 1)

const results: Record<string, unknown> = {}

for (const memory of [0, 1]) {
  const module = new WebAssembly.Module(Buffer.from(process.argv[2 + memory] as string, 'base64'))
  let at = 0
  const show = (): number => {
    const window = windows[at] as HostRegion
    setWasmInstanceRawMemory(instance, window, memory)
    return window.byteLength
  }
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
    env: {
      next: () => {
        ++at
        return show()
      },
      throw: () => {
        ++at
        show()
        throw new Error('after the switch')
      },
    },
  })
  const exports = instance.exports
  const from = <T>(index: number, run: () => T): T => {
    at = index
    show()
    return run()
  }
  const byteOf = (window: number, offset: number) =>
    (windows[window] as HostRegion).view(Uint8Array)[offset]
  const outcome = (run: () => unknown): unknown => {
    try {
      return run()
    } catch (error) {
      return error instanceof WebAssembly.RuntimeError ? error.message : String(error)
    }
  }
  // Several rounds, for the tiers that code only reaches when it is hot.
  const rounds = Number(process.env.ROUNDS ?? 1)
  const all = () => ({
    direct: from(0, () => exports.direct(3)),
    constant: from(0, () => exports.constant()),
    loop: from(0, () => exports.loop(6)),
    scan: String(from(0, () => exports.scan(20))),
    branchTaken: from(0, () => exports.branch(1)),
    branchNotTaken: from(0, () => exports.branch(0)),
    callee: from(0, () => exports.callee(3)),
    afterCallee: from(0, () => exports.afterCallee(3)),
    deep: from(0, () => exports.deep(3)),
    indirect: from(0, () => exports.indirect(3)),
    indirectCallee: from(0, () => exports.indirectCallee(3)),
    reference: from(0, () => exports.reference(3)),
    referenceCallee: from(0, () => exports.referenceCallee(3)),
    caught: from(0, () => exports.caught(3)),
    sizes: [0, 1, 3, 4].map((i) => from(i, () => exports.size())),
    // From larger to smaller and the other way round.
    last: [0, 1, 2, 3, 4, 5].map((i) => from(i, () => exports.last())),
    beyond: [0, 1, 2, 3, 4, 5].map((i) => outcome(() => from(i, () => exports.beyond()))),
    store: (() => {
      from(10, () => exports.store(100, 251))
      const bytes = [byteOf(10, 100), byteOf(11, 100)]
      for (const i of [10, 11]) (windows[i] as HostRegion).view(Uint8Array).fill(i + 1)
      return bytes
    })(),
    bulk: (() => {
      from(10, () => exports.bulk(100))
      const bytes = [10, 11].map((i) => [
        ...(windows[i] as HostRegion).view(Uint8Array).subarray(99, 112),
      ])
      for (const i of [10, 11]) (windows[i] as HostRegion).view(Uint8Array).fill(i + 1)
      return bytes
    })(),
    simd: from(0, () => exports.simd(3)),
  })
  let last = all()
  for (let round = 1; round < rounds; ++round) {
    const next = all()
    if (JSON.stringify(next) !== JSON.stringify(last)) {
      console.error(`round ${round} differs:`, JSON.stringify(next))
      process.exitCode = 1
      last = next
      break
    }
    last = next
  }
  results[`memory ${memory}`] = last
}

console.log(JSON.stringify(results))
