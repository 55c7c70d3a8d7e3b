import { accesses } from '../../sdk/accesses.ts'
import { Random } from '../../support/random.ts'
import {
  type Action,
  type Address,
  type Call,
  type Case,
  type Length,
  type MemorySpec,
  pageSize,
  type RegionSpec,
  type Step,
  segmentLength,
  windowStart,
} from './case.ts'
import { withEdges } from './edges.ts'
import { regionOn, type Terrain } from './terrain.ts'

const isAtomic = (instruction: string) => instruction.includes('atomic')
const plain = accesses.filter(({ instruction }) => !isAtomic(instruction))
const atomic = accesses.filter(({ instruction }) => isAtomic(instruction))

/** Neighbours, as unrolled loops have them. */
const alignedOffsets = ['0', '0', '0', '8', '16', '24', '40', '64', '200']
const nearOffsets = ['0', '0', '0', '1', '4', '8', '12', '16', '24', '40', '64', '200']
/** Beyond small regions, beyond all regions, and beyond 32 bits once something is added. */
const farOffsets = ['65520', '65532', '65535', '65536', '70000', '2147483640', '4294967295']
const widestOffsets = ['4294967296', '17179869184', '281474976710655', '18446744073709551615']

/** Programs that say little about the ends of regions, before one of them is taken. */
const mostAttempts = 20

/** The case that a seed stands for on a terrain. */
export function generate(seed: number, terrain: Terrain): Case {
  const random = new Random(seed)
  for (let attempt = 1; ; ++attempt) {
    const tested = new Generator(random, terrain).case()
    const edged = withEdges(tested, terrain)
    if (edged || attempt === mostAttempts) return edged ?? tested
  }
}

class Generator {
  readonly #random: Random
  readonly #terrain: Terrain
  readonly #hostWindows: boolean
  readonly #memories: readonly MemorySpec[]
  readonly #regions: readonly RegionSpec[]
  /** Whether bulk operations and atomic accesses are left out. */
  readonly #isRestricted: boolean
  /** One access of so many is far from the others, and so traps most often. */
  readonly #farness: number
  /** Of ten accesses, so many are atomic. Addresses are then multiples of eight, most often. */
  readonly #atomics: number
  /**
   * Whether the program publishes what it has after each step: a trap then hides nothing that was
   * wrong before it. Otherwise, compilers can merge checks.
   */
  readonly #publishes: boolean
  #actions: readonly Action[] = []
  #functionCount = 0

  constructor(random: Random, terrain: Terrain) {
    this.#random = random
    this.#terrain = terrain
    this.#hostWindows = terrain.hostWindows && random.below(5) < 2
    this.#isRestricted = this.#hostWindows && !terrain.everythingInWindows
    this.#farness = random.pick([20, 200, 1000])
    this.#atomics = this.#isRestricted ? 0 : random.pick([0, 0, 0, 5, 9])
    this.#publishes = random.below(2) === 0
    const usual = this.#region()
    this.#regions = Array.from({ length: 2 + random.below(3) }, () => {
      if (!terrain.anyRegion) return usual
      // What fits into one fits into the others, most often.
      const { length, gap } = this.#region()
      const near = random.pick([
        usual.length,
        usual.length,
        usual.length + random.below(40),
        length,
      ])
      return regionOn(terrain, { length: near, gap })
    })
    this.#memories = this.#makeMemories()
  }

  case(): Case {
    const random = this.#random
    const before = this.#before()
    this.#actions = Array.from({ length: 1 + random.below(5) }, () => this.#action())
    this.#functionCount = 1 + random.below(3)
    const functions = Array.from({ length: this.#functionCount }, (_, index) =>
      this.#steps(index, 2 + random.below(index === 0 ? 12 : 5), 0),
    )
    const targets = called(functions).flatMap((steps) => targetsOf(steps, 1))
    const calls = Array.from({ length: 16 }, (): Call => this.#call(targets, before))
    return {
      hostWindows: this.#hostWindows,
      memories: this.#memories,
      regions: this.#regions,
      before,
      actions: this.#actions,
      functions,
      calls,
    }
  }

  #makeMemories(): MemorySpec[] {
    const random = this.#random
    const { anyRegion, grow, trusted } = this.#terrain
    const count = 1 + random.below(this.#terrain.memories)
    return Array.from({ length: count }, (_, index) => {
      const address =
        index === 0 && this.#hostWindows ? 'i32' : random.pick(this.#terrain.addresses)
      const pages = anyRegion ? random.pick(trusted ? [0, 0, 0, 1] : [0, 1, 1, 2]) : 1
      const maximum = grow === 'no' ? pages : pages + random.below(3)
      // Regions that are smaller than this are refused.
      const isZero = !trusted && (random.below(3) > 0 || this.#isSmall(pages))
      const minimum = isZero ? 0 : pages
      return { address, minimum, pages, maximum }
    })
  }

  /** Whether a region has fewer bytes than so many pages; now and then it does not matter. */
  #isSmall(pages: number): boolean {
    const small = this.#regions.some(({ length }) => length < pages * pageSize)
    return small && this.#random.below(10) > 0
  }

  #region(): RegionSpec {
    const random = this.#random
    if (!this.#terrain.anyRegion) return { length: pageSize, gap: 0 }
    const length = random.pick([
      pageSize,
      2 * pageSize,
      pageSize + random.below(40) - 20,
      2 * pageSize + random.below(40) - 20,
      random.below(4) === 0 ? random.below(40) : 300 + random.below(5000),
      random.below(140_000),
    ])
    return regionOn(this.#terrain, { length, gap: random.pick([0, 0, 1, 7, 64]) })
  }

  /** Most memories and windows begin with a region. */
  #before(): Action[] {
    const random = this.#random
    const actions: Action[] = []
    for (const memory of this.#memories.keys()) {
      if (this.#hostWindows && memory === 0) continue
      const mayBeOwn = this.#memories[memory]!.pages > 0 || random.below(8) === 0
      if (!mayBeOwn || random.below(12) > 0) actions.push(this.#attach(memory, this.#pickRegion()))
    }
    if (this.#hostWindows) {
      for (const window of [0, 1 + random.below(6), 7]) {
        if (random.below(8) > 0) actions.push({ do: 'window', window, region: this.#pickRegion() })
      }
    }
    return actions
  }

  #pickRegion(): number {
    return this.#random.below(this.#regions.length)
  }

  #attach(memory: number, region: number | null): Action {
    const isMemory = this.#terrain.attachMemory && this.#random.below(2) === 0
    return { do: isMemory ? 'attach memory' : 'attach', memory, region }
  }

  #action(): Action {
    const random = this.#random
    const memory = random.below(this.#memories.length)
    const region = random.below(8) === 0 ? null : this.#pickRegion()
    if (this.#terrain.grow !== 'no' && random.below(6) === 0) {
      return { do: 'grow', memory, pages: 1 }
    }
    if (this.#hostWindows && (memory === 0 || random.below(2) === 0)) {
      return { do: 'window', window: random.pick([0, 0, 1, 3, 7]), region }
    }
    return this.#attach(memory, region)
  }

  #steps(inFunction: number, count: number, depth: number): Step[] {
    const steps = Array.from({ length: count }, () => this.#step(inFunction, depth))
    return this.#publishes ? steps.flatMap((step) => [step, { do: 'publish' as const }]) : steps
  }

  #step(inFunction: number, depth: number): Step {
    const random = this.#random
    const kind = random.below(40)
    const memory = random.below(this.#memories.length)
    if (kind < 22 || (kind < 27 && this.#isRestricted)) return this.#access(memory, depth)
    if (kind < 24)
      return { do: 'fill', memory, at: this.#at(memory, depth), length: this.#length() }
    if (kind < 26) {
      const fromMemory = random.below(this.#memories.length)
      const [at, from, length] = [
        this.#at(memory, depth),
        this.#at(fromMemory, depth),
        this.#length(),
      ]
      return { do: 'copy', memory, at, fromMemory, from, length }
    }
    if (kind === 26) {
      const from = random.below(segmentLength)
      const length = { bytes: random.below(segmentLength - from + 1), isConstant: true }
      return { do: 'init', memory, at: this.#at(memory, depth), from, length }
    }
    if (kind === 27) return { do: 'size', memory }
    if (kind === 28) {
      const { grow } = this.#terrain
      if (grow === 'no' || random.below(2) === 0) return { do: 'publish' }
      return { do: 'grow', memory, pages: grow === 'anything' ? random.below(2) : 1 }
    }
    if (kind === 29) return random.below(4) === 0 ? { do: 'drop' } : { do: 'publish' }
    if (kind < 34) {
      const action = random.below(this.#actions.length)
      return { do: 'act', action, indirectly: random.below(3) === 0 }
    }
    if (kind < 36 && inFunction + 1 < this.#functionCount) {
      const rest = this.#functionCount - inFunction - 1
      const callee = inFunction + 1 + random.below(rest)
      return { do: 'call', function: callee, indirectly: random.below(3) === 0 }
    }
    if (depth < 2 && kind < 38) {
      const steps = this.#steps(inFunction, 1 + random.below(5), depth + 1)
      return { do: 'loop', times: 1 + random.below(9), steps }
    }
    if (depth < 2) {
      const steps = this.#steps(inFunction, 1 + random.below(3), depth)
      return { do: 'if', bit: random.below(64), steps }
    }
    return this.#access(memory, depth)
  }

  #access(memory: number, depth: number): Step {
    const random = this.#random
    const { instruction } = random.pick(random.below(10) < this.#atomics ? atomic : plain)
    const near = this.#atomics > 0 ? alignedOffsets : nearOffsets
    const offset =
      random.below(this.#farness) > 0
        ? random.pick(near)
        : this.#memories[memory]?.address === 'i64' && random.below(2) === 0
          ? random.pick(widestOffsets)
          : random.pick(farOffsets)
    return { do: 'access', instruction, memory, offset, at: this.#at(memory, depth) }
  }

  #at(memory: number, depth: number): Address {
    const random = this.#random
    const plus = random.pick([0, 0, 0, 0, 8, 16, ...(this.#atomics > 0 ? [24] : [1, 100])])
    if (random.below(12) === 0) {
      return { base: 'nothing', plus: random.below(random.below(this.#farness) > 0 ? 16 : 70_000) }
    }
    return {
      // What is an address of a window is beyond other memories.
      base: this.#hostWindows
        ? memory === 0
          ? 'a'
          : 'b'
        : random.pick(['a', 'a', 'a', 'b'] as const),
      plus,
      ...(depth > 0 && random.below(2) === 0
        ? { stride: random.pick(this.#atomics > 0 ? [8, 16] : [1, 4, 8, 16]) }
        : {}),
      ...(random.below(30) === 0 ? { bits: true } : {}),
    }
  }

  #length(): Length {
    const random = this.#random
    const bytes = random.pick([0, 1, 3, 8, 15, 16, 17, 32, 100, 4097])
    return { bytes, isConstant: random.below(2) === 0 }
  }

  /**
   * Most calls make accesses end at the last byte of a place, or one byte beyond: the furthest one,
   * so that the others do not trap first, or any.
   */
  #call(targets: readonly Target[], before: readonly Action[]): Call {
    const beyond = this.#random.pick([0, 0, 1, 1, 1, undefined])
    const windows = windowsOf(before)
    const window = windows.length === 0 ? 0 : this.#random.pick(windows)
    return [
      this.#parameter(targets, 'a', before, window, beyond),
      // At most one traps.
      this.#parameter(targets, 'b', before, window, beyond === undefined ? undefined : 0),
    ]
  }

  #parameter(
    targets: readonly Target[],
    base: 'a' | 'b',
    before: readonly Action[],
    window: number,
    beyond: number | undefined,
  ): string {
    const random = this.#random
    // What is under a condition often does not happen.
    const isCertain = random.below(3) > 0
    const candidates = targets.filter(
      ({ at, isConditional }) => at.base === base && !(isCertain && isConditional),
    )
    if (candidates.length === 0) return String(random.below(4096))
    if (beyond === undefined) {
      const { memory, ...target } = random.pick(candidates)
      const [begin, length] = random.pick(this.#places(memory))
      const step = random.pick([0, 1, -random.below(length + 1)])
      return String(atLeastZero(begin + length - reach(target)) + BigInt(step))
    }
    const isInWindow = this.#hostWindows && random.below(4) > 0
    const ends = candidates.flatMap((target) => {
      if (isInWindow && target.memory !== 0) return []
      const [begin, length] = this.#shownBefore(
        before,
        target.memory,
        isInWindow ? window : undefined,
      )
      const step = beyond * (target.isAtomic ? target.bytes : 1)
      // The step is that of the furthest access; others then go one byte less far.
      const end = begin + length - reach(target)
      return end < begin ? [] : [{ end, step }]
    })
    if (ends.length === 0) return String(random.below(4096))
    const furthest = ends.reduce((least, each) => (each.end < least.end ? each : least))
    const address = furthest.end + furthest.step
    // Down, or up, to what atomic accesses take.
    return String(this.#atomics > 0 ? 8 * Math.floor((address + 7 * random.below(2)) / 8) : address)
  }

  /** First address and length of what a memory shows when a call begins. */
  #shownBefore(
    before: readonly Action[],
    memory: number,
    window: number | undefined,
  ): [number, number] {
    const lengthOf = (region: number | null | undefined, otherwise: number) =>
      region === null || region === undefined ? otherwise : this.#regions[region]!.length
    if (window !== undefined) {
      const shown = before.find((action) => action.do === 'window' && action.window === window)
      return [windowStart(window), lengthOf(shown?.do === 'window' ? shown.region : null, 0)]
    }
    const attached = before.find(
      (action) => action.do.startsWith('attach') && 'memory' in action && action.memory === memory,
    )
    const own = this.#memories[memory]!.pages * pageSize
    const length = lengthOf(attached && 'region' in attached ? attached.region : null, own)
    return [0, length < this.#memories[memory]!.minimum * pageSize ? own : length]
  }

  /** First address and length of what a memory may show. */
  #places(memory: number): [number, number][] {
    const own = this.#memories[memory]!
    const regions = this.#regions.map(({ length }) => length)
    if (!this.#hostWindows || memory > 0) {
      return [...regions, own.pages * pageSize].map((length) => [0, length])
    }
    const windows = [0, 1, 3, 7].flatMap((window) =>
      regions.map((length): [number, number] => [windowStart(window), length]),
    )
    return [...windows, [0, own.pages * pageSize], [0, own.maximum * pageSize]]
  }
}

/** The functions that function 0 calls, and itself. */
function called(functions: readonly (readonly Step[])[]): (readonly Step[])[] {
  const reached = new Set<number>()
  const visit = (index: number) => {
    if (reached.has(index)) return
    reached.add(index)
    look(functions[index]!)
  }
  const look = (steps: readonly Step[]) => {
    for (const step of steps) {
      if (step.do === 'call') visit(step.function)
      else if ('steps' in step) look(step.steps)
    }
  }
  visit(0)
  return [...reached].map((index) => functions[index]!)
}

function windowsOf(actions: readonly Action[]): number[] {
  return actions.flatMap((action) => (action.do === 'window' ? [action.window] : []))
}

function atLeastZero(address: number): bigint {
  return BigInt(Math.max(0, address))
}

/** Bytes that a step reaches, as far as the program tells. */
interface Target {
  readonly memory: number
  readonly at: Address
  readonly offset: string
  readonly bytes: number
  readonly isAtomic: boolean
  /** How often the innermost loop runs. */
  readonly times: number
  readonly isConditional: boolean
}

/** From the parameter to the end of the last access. */
function reach({ at, offset, bytes, times }: Omit<Target, 'memory'>): number {
  return at.plus + Number(offset) + bytes + (at.stride ?? 0) * (times - 1)
}

const bytesOf = new Map(accesses.map(({ instruction, bytes }) => [instruction, bytes]))

function targetsOf(steps: readonly Step[], times: number, isConditional = false): Target[] {
  return steps.flatMap((step): Target[] => {
    switch (step.do) {
      case 'access': {
        const { memory, at, offset, instruction } = step
        return [
          {
            memory,
            at,
            offset,
            bytes: bytesOf.get(instruction)!,
            isAtomic: isAtomic(instruction),
            times,
            isConditional,
          },
        ]
      }
      case 'fill':
      case 'init':
      case 'copy': {
        const { memory, at, length } = step
        const common = { offset: '0', bytes: length.bytes, isAtomic: false, times, isConditional }
        const target = { memory, at, ...common }
        if (step.do !== 'copy') return [target]
        return [target, { ...target, memory: step.fromMemory, at: step.from }]
      }
      case 'loop':
        return targetsOf(step.steps, step.times, isConditional)
      case 'if':
        return targetsOf(step.steps, times, true)
      default:
        return []
    }
  })
}
