// Compiled programs on windows, against the same programs on Node's own engine with the data copied in.

import { readFileSync } from 'node:fs'
import test from 'ava'
import { HostRegion, HostWindows, type WebAssembly as Types, WebAssembly, wasi } from 'v8-rawmem'
import { compileC } from '../support/compile-c.ts'
import { Random } from '../support/random.ts'

const node = (globalThis as unknown as { WebAssembly: typeof WebAssembly }).WebAssembly
const source = readFileSync(new URL('programs.c', import.meta.url), 'utf8')

/** Bytes of the chunks that `next` shows. */
const windowSize = 4099

const pageBytes = 65_536
const windowAddress = (window: number) => 2 ** 31 + window * 2 ** 28

/** One byte in 64 ends a line. */
function bytesOf(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => (random.below(64) === 0 ? 10 : random.below(256)))
}

const contents = [bytesOf(300_001, new Random(1)), bytesOf(70_007, new Random(2))]

interface Run {
  readonly exports: Types.Exports
  /** What the regions have in them after it. */
  after(): Uint8Array[]
}

function onWindows(bytes: Uint8Array, tiering: Types.Tiering, skew: number): Run {
  const regions = contents.map((content) => {
    const region = HostRegion.allocate(content.length + 64).subarray(skew, content.length + skew)
    region.view(Uint8Array).set(content)
    return region
  })
  const windows = new HostWindows(regions, { windowSize, writable: true })
  const host = wasi()
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes, { tiering }), {
    ...host.imports,
    ...windows.imports,
  })
  host.initialize(instance)
  return {
    exports: instance.exports,
    after: () => regions.map((region) => Uint8Array.from(region.view(Uint8Array))),
  }
}

/** The functions of `rawmem` copy, to and from the addresses of windows. */
function onCopies(bytes: Uint8Array): Run {
  const regions = contents.map((content) => content.slice())
  const shown = regions.map(() => ({ at: 0, length: 0 }))
  const chunks = regions.map(() => ({ at: 0, length: 0 }))
  const memory = () => new Uint8Array(instance.exports.memory.buffer)
  const keep = (window: number) => {
    const { at, length } = shown[window]!
    const address = windowAddress(window)
    regions[window]!.set(memory().subarray(address, address + length), at)
  }
  const show = (window: number, at: number, wanted: number) => {
    keep(window)
    const part = regions[window]!.subarray(at, at + wanted)
    memory().set(part, windowAddress(window))
    shown[window] = { at, length: part.length }
    return part.length
  }
  const rawmem = {
    size: (window: number) => BigInt(regions[window]!.length),
    map: (window: number, offset: bigint, length: number) =>
      show(window, Number(offset), length >>> 0),
    next: (window: number, consumed: number) => {
      const chunk = chunks[window]!
      const at = chunk.at + (consumed === -1 ? chunk.length : consumed)
      const atEnd = chunk.length > 0 && chunk.at + chunk.length === regions[window]!.length
      if (at === regions[window]!.length || (atEnd && consumed === 0)) return 0
      const length = show(window, at, windowSize)
      chunks[window] = { at, length }
      return length
    },
  }
  const host = wasi()
  const instance = new node.Instance(new node.Module(bytes), { ...host.imports, rawmem })
  const { memory: own } = instance.exports
  own.grow(2 ** 16 - 1 - own.buffer.byteLength / pageBytes)
  host.initialize(instance)
  return {
    exports: instance.exports,
    after: () => {
      for (const window of regions.keys()) keep(window)
      return regions
    },
  }
}

const exportNames = [...source.matchAll(/^EXPORT\((\w+)\)/gm)].map(([, name]) => name!)

for (const level of ['-O0', '-O2', '-O3 -msimd128 -mbulk-memory']) {
  test.serial(`programs compiled by ${level} see in windows what they see in copies`, async (t) => {
    const flags = [...level.split(' '), '-mexec-model=reactor', '-Wl,--initial-memory=8388608']
    const bytes = await compileC(source, flags)
    const copies = onCopies(bytes)
    t.is(exportNames.length, 9)
    const expected = exportNames.map((name) => [name, copies.exports[name]()])
    const contentsAfter = copies.after()
    t.notDeepEqual(contentsAfter, contents)
    for (const [tiering, skew] of [
      ['optimize', 0],
      ['optimize', 13],
      ['baseline', 7],
      ['dynamic', 1],
    ] as const) {
      const windows = onWindows(bytes, tiering, skew)
      const got = exportNames.map((name) => [name, windows.exports[name]()])
      t.deepEqual(got, expected, `${tiering}, at ${skew}`)
      t.true(windows.after().every((after, i) => Buffer.compare(after, contentsAfter[i]!) === 0))
    }
  })
}
