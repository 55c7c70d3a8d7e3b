// Makes every load, store and atomic access in own memory and in host windows of node-rewire, and prints what differs.
import { openBackend } from 'v8-rawmem'
import { accessesModule } from '../sdk/accesses.ts'
import { wat } from '../support/wat.ts'
import { pattern } from './feature.ts'

const { WebAssembly, HostRegion, setWasmInstanceWindow } = openBackend('node-rewire')

const size = 65536
const begin = 4000
const instance = new WebAssembly.Instance(
  new WebAssembly.Module(wat(accessesModule('i32', 0)), { hostWindows: true }),
)
const { memory, ...functions } = instance.exports
memory.grow(1)
const own = new Uint8Array(memory.buffer)
const region = HostRegion.allocate(size)
const shown = region.view(Uint8Array)
const original = pattern(size)
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

function outcome(run: (address: number) => unknown, address: number): string {
  try {
    return String(run(address))
  } catch (error) {
    return String(error)
  }
}

const trap = 'RuntimeError: memory access out of bounds'
const wrong: string[] = []
const trapped = new Set<string>()
let accesses = 0
for (const window of [0, 3, 7]) {
  const start = 0x8000_0000 + window * 0x1000_0000
  setWasmInstanceWindow(instance, region, window)
  for (const [name, run] of Object.entries(functions)) {
    const [instruction, width, offset] = name.split(' ')
    const last = size - Number(width) - Number(offset)
    const expect = (what: string, expected: string, got: string) => {
      accesses++
      if (expected !== got) wrong.push(`${name} ${what} in ${window}: ${got}, not ${expected}`)
    }
    for (const at of [begin, last]) {
      own.set(original)
      shown.set(original)
      const expected = outcome(run, at)
      const got = outcome(run, start + at)
      // Code of the baseline compiler checks the bounds of those itself.
      if (instruction?.includes('atomic') && got === trap) {
        trapped.add(instruction)
        if (!same(shown, original)) wrong.push(`${name} stored in spite of the trap`)
      } else {
        expect(`at ${at}`, expected, got)
        if (!same(shown, own)) wrong.push(`${name} at ${at} in ${window}: other bytes`)
      }
    }
    if (instruction?.includes('atomic')) continue
    expect('behind it', trap, outcome(run, start + last + Number(width)))
    expect('before it', trap, outcome(run, start - Number(offset) - Number(width)))
  }
  setWasmInstanceWindow(instance, null, window)
}
region.close()
console.log(JSON.stringify({ accesses, trapped: [...trapped], wrong: wrong.slice(0, 10) }))
