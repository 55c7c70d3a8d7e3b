import {
  type WebAssembly as api,
  type Backend,
  deserializeModule,
  type HostRegion,
  serializeModule,
} from 'v8-rawmem'
import { GuardedRegion } from '../../attached-memory/guarded-region.ts'
import { type Action, type Case, type MemorySpec, pageSize, type RegionSpec } from './case.ts'
import { fillPattern, type Outcome } from './outcome.ts'
import { subjectProgram } from './program.ts'
import { argumentsOf } from './reference.ts'
import { terrains } from './terrain.ts'

export interface SubjectOptions {
  /** The module is serialized, and what runs was deserialized. */
  readonly throughCodeCache?: boolean
  /** The module is compiled with `{ boundsChecks: 'region' }`. */
  readonly trusted?: boolean
  /** Attaches one byte more than there is, to see whether the test notices. */
  readonly plantedFault?: boolean
}

export function optionsOf(tier: string, plantedFault = false): SubjectOptions {
  return {
    throughCodeCache: tier === 'code-cache',
    trusted: tier.startsWith('trusted'),
    plantedFault,
  }
}

/** Bytes of the host with canaries around them. */
interface Ground {
  readonly region: HostRegion
  readonly bytes: Uint8Array
  isIntact(): boolean
  close(): void
}

/** A case on a backend. */
export class Subject {
  readonly #case: Case
  readonly #backend: Backend
  readonly #grounds: readonly Ground[]
  readonly #memories: readonly api.Memory[]
  readonly #instance: api.Instance
  #actions: string[] = []

  constructor(subject: Case, backend: Backend, options: SubjectOptions = {}) {
    this.#case = subject
    this.#backend = backend
    this.#grounds = subject.regions.map((spec) => makeGround(spec, backend, options))
    const imported = options.trusted
      ? []
      : subject.memories.map((spec) => makeMemory(spec, backend))
    const imports = Object.fromEntries(imported.map((memory, index) => [`memory${index}`, memory]))
    const act = (index: number) => {
      this.#actions.push(this.#act(subject.actions[index]!))
    }
    const module = compile(subject, backend, options)
    this.#instance = new backend.WebAssembly.Instance(module, { env: { ...imports, act } })
    const { exports } = this.#instance
    this.#memories = subject.memories.map(
      (_, index) => imported[index] ?? exports[`memory${index}`],
    )
  }

  region(index: number): Uint8Array {
    return this.#grounds[index]!.bytes
  }

  /** A memory's own bytes, while no region is attached to the memory itself. */
  memory(index: number): Uint8Array {
    return new Uint8Array(this.#memories[index]!.buffer)
  }

  /** Whether nothing around the regions was written. */
  isIntact(): boolean {
    return this.#grounds.every((ground) => ground.isIntact())
  }

  run(a: bigint, b: bigint): Outcome {
    this.detach()
    for (const [index, { bytes }] of this.#grounds.entries()) fillPattern(bytes, index)
    for (const index of this.#memories.keys()) fillPattern(this.memory(index), 50 + index)
    this.#actions = this.#case.before.map((action) => this.#act(action))
    const { run, sum } = this.#instance.exports
    sum.value = 0n
    let result: string
    try {
      result = String(run(...argumentsOf(a, b)))
    } catch (error) {
      result = this.#trapOf(error)
    }
    return { result, published: String(sum.value), actions: this.#actions }
  }

  /** Gives all memories their own bytes back. */
  detach(): void {
    const { setWasmInstanceRawMemory, setWasmInstanceWindow } = this.#backend
    const { attachMemory } = terrains[this.#backend.name]
    for (const [index, memory] of this.#memories.entries()) {
      if (this.#case.hostWindows && index === 0) continue
      setWasmInstanceRawMemory(this.#instance, null, index)
      if (attachMemory) memory.attach(null)
    }
    if (!this.#case.hostWindows) return
    for (let window = 0; window < 8; ++window) setWasmInstanceWindow(this.#instance, null, window)
  }

  close(): void {
    this.detach()
    for (const ground of this.#grounds) ground.close()
  }

  #trapOf(error: unknown): string {
    const message = String(error)
    if (error instanceof this.#backend.WebAssembly.RuntimeError) {
      if (message.includes('out of bounds')) return 'out of bounds'
      if (message.includes('unaligned')) return 'unaligned'
    }
    return message
  }

  #act(action: Action): string {
    try {
      this.#do(action)
      return 'done'
    } catch (error) {
      if (error instanceof RangeError) return error.name
      throw error
    }
  }

  #do(action: Action): void {
    if (action.do === 'grow') {
      const memory = this.#memories[action.memory] as { grow(pages: number | bigint): unknown }
      const isWide = this.#case.memories[action.memory]!.address === 'i64'
      memory.grow(isWide ? BigInt(action.pages) : action.pages)
      return
    }
    const region = action.region === null ? null : this.#grounds[action.region]!.region
    if (action.do === 'window') {
      this.#backend.setWasmInstanceWindow(this.#instance, region, action.window)
    } else if (action.do === 'attach') {
      this.#backend.setWasmInstanceRawMemory(this.#instance, region, action.memory)
    } else {
      this.#memories[action.memory]!.attach(region)
    }
  }
}

function makeMemory({ address, pages, maximum }: MemorySpec, backend: Backend): api.Memory {
  const count = (pages: number) => (address === 'i64' ? BigInt(pages) : pages)
  const limits = { initial: count(pages), maximum: count(maximum) }
  return new backend.WebAssembly.Memory({ ...limits, address })
}

function compile(subject: Case, backend: Backend, options: SubjectOptions): api.Module {
  const { hostWindows } = subject
  const bytes = subjectProgram(subject, options.trusted ? 'exported' : 'imported')
  const compileOptions: api.CompileOptions = options.trusted
    ? { hostWindows, boundsChecks: 'region' }
    : { hostWindows }
  const module = new backend.WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>, compileOptions)
  return options.throughCodeCache
    ? deserializeModule(serializeModule(module), bytes as Uint8Array<ArrayBuffer>, compileOptions)
    : module
}

function makeGround(
  { length, gap }: RegionSpec,
  backend: Backend,
  { plantedFault = false, trusted = false }: SubjectOptions,
): Ground {
  if (trusted) {
    const region = backend.HostRegion.allocate(length, { guarded: true })
    const bytes = region.view(Uint8Array)
    return { region, bytes, isIntact: () => true, close: () => region.close() }
  }
  if (terrains[backend.name].anyRegion) {
    const guarded = new GuardedRegion(length, plantedFault ? gap + 16 : gap, plantedFault ? 1 : 0)
    const { region, bytes } = guarded
    return { region, bytes, isIntact: () => guarded.intact, close: () => guarded.close() }
  }
  // Page after page: what lies before and behind must stay as it is.
  const around = 4096
  const whole = backend.HostRegion.allocate(length + 2 * around + pageSize)
  const region = whole.subarray(around, around + length + (plantedFault ? around : 0))
  const view = (begin: number, end: number) =>
    whole.view(Uint8Array, begin, end - begin) as Uint8Array
  const canaries = [view(0, around), view(around + length, whole.byteLength)]
  for (const bytes of canaries) bytes.fill(0xc5)
  return {
    region,
    bytes: view(around, around + length),
    isIntact: () => canaries.every((bytes) => bytes.every((byte) => byte === 0xc5)),
    close: () => whole.close(),
  }
}
