import { setFlagsFromString } from 'node:v8'
import type * as api from '../../../types/web-assembly.d.ts'
import type { NodeBackendsBinding } from '../../addon/binding.ts'
import { HostRegion, regionParts } from '../../region.ts'
import { moduleLayout } from '../module-layout.ts'
import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import { native } from '../node/namespace.ts'
import { type AccessProbe, accessModule, layoutProbes, maximumProbes } from './probes.ts'

/** The getter of `WebAssembly.Memory.prototype`, read before a program can replace it. */
export const bufferOf = Object.getOwnPropertyDescriptor(native.Memory.prototype, 'buffer')
  ?.get as () => ArrayBuffer

/** Why this V8 is refused. */
export class Refusal extends Error {}

/** The findings about this V8. */
export interface Findings {
  /** The places where instances keep start and size of their memories; opaque. */
  readonly layout: object
  readonly description: string
  /** Whether the places of memories 1, 2, … were found too. */
  readonly allMemories: boolean
}

/**
 * Makes V8 check bounds explicitly in all modules that the process compiles from now on. Without
 * it, code relies on guard regions, which only V8's own memories have.
 */
export function enforceBoundsChecks(on = true): void {
  setFlagsFromString(on ? '--wasm-enforce-bounds-checks' : '--no-wasm-enforce-bounds-checks')
}

/** The same, even if the flag was switched off after the examination. */
export function insistOnBoundsChecks(): void {
  setFlagsFromString('--wasm-bounds-checks')
  enforceBoundsChecks()
}

function search(binding: NodeBackendsBinding): object {
  const variables = process.config.variables as Readonly<Record<string, unknown>>
  if (process.release.name !== 'node' || process.versions.v8 === undefined) {
    throw new Refusal('this is not Node')
  }
  for (const name of ['v8_enable_pointer_compression', 'v8_enable_sandbox']) {
    if (variables[name] === 1 || variables[name] === true || variables[name] === 'true') {
      throw new Refusal(
        `this Node was built with ${name}, so an instance cannot have the addresses of the host`,
      )
    }
  }
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  if (/wasm[-_]max[-_]mem[-_]pages/.test(given)) {
    throw new Refusal('the flag --wasm-max-mem-pages is set, so V8 takes more memories for fixed')
  }
  const layout = binding.raw.search(layoutProbes(native), maximumProbes(native))
  if (typeof layout === 'string') throw new Refusal(layout)
  return layout
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Refusal(`the test failed that ${what}`)
}

/** Whether bounds are checked explicitly; throws if any other property is not as required. */
function checkAccesses(
  binding: NodeBackendsBinding,
  layout: object,
  index: 0 | 1,
  seal: string,
): boolean {
  const bytes = accessModule(index)
  const prepared = hostMemories(bytes, moduleLayout(bytes), seal)
  if (prepared?.link === undefined) throw new Refusal('the test module could not be prepared')
  const module = new native.Module(prepared.bytes as Uint8Array<ArrayBuffer>)
  // The windows are inside this buffer, so accesses beyond them do no harm.
  const region = HostRegion.allocate(8192)
  const { handle } = regionParts(region)
  const view = region.view(Uint8Array)
  for (let i = 0; i < view.length; i++) view[i] = (i * 7 + 3) & 0xff
  // Anywhere, where windows may begin anywhere.
  const odd = process.arch === 'x64' ? 3 : 0
  const [first, second] = [
    { begin: 8 + odd, length: 1001 },
    { begin: 3000 + odd, length: 777 },
  ]
  const byte = (window: { begin: number }, address: number) =>
    view[window.begin + address] as number
  const show = (window: { begin: number; length: number }) =>
    binding.show(target, handle, window.begin, window.length)
  const { imports, memories } = prepared.link({ t: { s: () => show(second) } })
  const instance = new native.Instance(module, imports)
  const memory = memories[index] as api.Memory
  const probe = instance.exports as unknown as AccessProbe
  const traps = (run: () => void) => {
    try {
      run()
      return false
    } catch (error) {
      if (error instanceof native.RuntimeError) return true
      throw error
    }
  }
  const target = binding.raw.target(
    layout,
    binding.raw.lock(layout, memory),
    instance,
    index,
    memory,
    bufferOf,
    0,
    2 ** 32,
  )
  try {
    show(first)
    expect(probe.load(0) === byte(first, 0), 'the first byte of a window is read')
    expect(
      probe.load(first.length - 1) === byte(first, first.length - 1),
      'the last byte of a window is read',
    )
    if (!traps(() => probe.load(first.length))) return false
    for (let round = 0; round < 2; round++) {
      show(first)
      expect(
        probe.across(600) === byte(first, 600) + 256 * byte(second, 600),
        'code goes on in the window that an import brought',
      )
    }
    expect(probe.size() === 0, 'memory.size counts the pages of the window')
    expect(probe.grow(1) === -1, 'a memory does not grow while a window is shown')
    const beyond = second.begin + second.length
    const after = view[beyond]
    expect(
      traps(() => probe.fill(1, 0xa5, second.length)) && byte(second, 1) !== 0xa5,
      'memory.fill does not reach beyond the window',
    )
    probe.fill(0, 0xa5, second.length)
    expect(
      view[second.begin - 1] === (((second.begin - 1) * 7 + 3) & 0xff) &&
        byte(second, 0) === 0xa5 &&
        byte(second, second.length - 1) === 0xa5 &&
        view[beyond] === after,
      'memory.fill fills the window',
    )
    binding.restore(target)
    expect(
      traps(() => probe.load(0)),
      'the memory is back where it was',
    )
    expect(probe.grow(1) === 0 && probe.load(0) === 0, 'the memory can grow again')
    return true
  } finally {
    if (binding.isShown(target)) binding.restore(target)
    region.close()
  }
}

function checkMemories(
  binding: NodeBackendsBinding,
  layout: object,
  allMemories: boolean,
  seal: string,
): boolean {
  return (
    checkAccesses(binding, layout, 0, seal) &&
    (!allMemories || checkAccesses(binding, layout, 1, seal))
  )
}

/** Calls `run`, which switches flags, while no other thread does. */
function withFlags<T>(
  binding: NodeBackendsBinding,
  relies: boolean,
  run: (reliedOn: boolean) => T,
): T {
  const reliedOn = binding.raw.lockFlags()
  let done = false
  try {
    const result = run(reliedOn)
    done = true
    return result
  } finally {
    binding.raw.unlockFlags(relies && done)
  }
}

/**
 * Examines this V8 and leaves everything as it was. Throws a {@link Refusal} if the backend cannot
 * be used.
 */
export function examine(binding: NodeBackendsBinding): Findings {
  const layout = search(binding)
  const { text: description, allMemories } = binding.raw.describe(layout)
  // A new seal each time, because V8 would reuse code that it compiled before.
  const check = () => checkMemories(binding, layout, allMemories, newSeal())
  withFlags(binding, false, (reliedOn) => {
    if (check()) return
    enforceBoundsChecks()
    try {
      if (!check()) {
        throw new Refusal('V8 does not check bounds explicitly, also when it is told to')
      }
    } finally {
      if (!reliedOn) enforceBoundsChecks(false)
    }
  })
  return { layout, description, allMemories }
}

/** Switches explicit bounds checks on, and makes sure that they are. */
export function begin(binding: NodeBackendsBinding, { layout, allMemories }: Findings): void {
  withFlags(binding, true, () => {
    enforceBoundsChecks()
    if (!checkMemories(binding, layout, allMemories, newSeal())) {
      throw new Error("node-raw: V8 did not take the flag '--wasm-enforce-bounds-checks'")
    }
  })
}
