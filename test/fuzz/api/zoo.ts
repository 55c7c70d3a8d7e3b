import { setTimeout as sleep } from 'node:timers/promises'
import vm from 'node:vm'
import {
  ChunkFeeder,
  HostRegion,
  setWasmInstanceRawMemory,
  setWasmInstanceWindow,
  WebAssembly,
} from 'v8-rawmem'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { growableMemory } from '../../support/growable-memory.ts'
import { Random } from '../../support/random.ts'
import { creature, creatureWithWindows, lodger, slotCount } from './creatures.ts'
import type { Animal, CommonGround, Ground, Home, Place } from './model.ts'

/** Of each region. */
export const byteLength = 256 * 1024
const windowSize = 4096

export interface ZooReport {
  readonly steps: number
  readonly reads: number
  readonly animals: number
  readonly collected: number
}

/**
 * Has instances, references, regions and feeders do what comes to mind, with garbage collected in between, and compares
 * each value with a model that knows who keeps whom.
 */
export class Zoo {
  readonly #random: Random
  readonly #collected = new FinalizationRegistry<void>(() => ++this.#collectedCount)
  readonly #grounds: Ground[] = []
  readonly #animals: Animal[] = []
  /** What JavaScript holds apart from instances. */
  readonly #homes: Home[] = []
  readonly #common: readonly CommonGround[]
  #collectedCount = 0
  #animalCount = 0
  #reads = 0
  #steps = 0
  #nextFirst = 1
  /** Steps inside of steps. */
  #nesting = 0
  /** What the import `give` returns. */
  readonly #given: unknown[] = [null, null]

  /** @param common regions to open, and to close again */
  constructor(seed: number, common: readonly CommonGround[] = []) {
    this.#random = new Random(seed)
    this.#common = common
  }

  /**
   * @param fewestSteps of which there is time in any case
   * @throws {Error} where something else came out than the model says.
   */
  async run(milliseconds: number, fewestSteps = 0): Promise<ZooReport> {
    const end = Date.now() + milliseconds
    while (Date.now() < end || this.#steps < fewestSteps) {
      for (let i = 0; i < 50; ++i) {
        this.#step()
        ++this.#steps
      }
      if (this.#random.below(4) === 0) await collectGarbage()
      // Long enough for a trace.
      if (this.#random.below(30) === 0) await sleep(300)
    }
    return this.#empty()
  }

  #step(): void {
    const step = this.#random.pick(this.#choices)
    step.call(this)
  }

  readonly #choices: (() => void)[] = [
    this.#bear,
    this.#bear,
    this.#open,
    this.#openCommon,
    this.#attach,
    this.#attach,
    this.#attachMemory,
    this.#detach,
    this.#show,
    this.#show,
    this.#feed,
    this.#feedMore,
    this.#dropFeeder,
    this.#give,
    this.#give,
    this.#give,
    this.#forgetReference,
    this.#leadBack,
    this.#hold,
    this.#letGo,
    this.#grow,
    this.#drop,
    this.#drop,
    this.#dropRegion,
    this.#close,
    this.#takeAway,
    this.#interrupt,
    ...Array.from({ length: 20 }, () => this.#read),
  ]

  #bear(): void {
    if (this.#held().length > 60) return
    const id = ++this.#animalCount
    const shared = this.#random.below(3) === 0 ? this.#random.pick(this.#homes) : undefined
    const animal: Animal = {
      id,
      instance: undefined,
      home: shared ?? {
        held: undefined,
        slots: new Array(slotCount).fill(undefined),
        below: undefined,
        pages: 0,
      },
      box: undefined,
      shown: undefined,
      feeder: undefined,
      hasWindows: shared === undefined && this.#random.below(3) === 0,
      window: undefined,
    }
    const given = this.#given
    const env = {
      // The usual cycle.
      seen: () => (instance.exports === undefined ? 0 : id),
      give: () => given.slice(),
      ...shared?.held,
    }
    const module = shared ? lodger : animal.hasWindows ? creatureWithWindows : creature
    const instance: WebAssembly.Instance = this.#persist(
      () => new WebAssembly.Instance(module, this.#trap({ env })),
    )
    animal.instance = instance
    this.#collected.register(instance)
    this.#animals.push(animal)
  }

  #open(): void {
    if (this.#isCrowded()) return
    const first = this.#nextFirst
    this.#nextFirst += byteLength / 4
    const lender = this.#random.below(3) === 0 ? growableMemory(byteLength / 65_536) : undefined
    const region =
      lender === undefined ? HostRegion.allocate(byteLength) : HostRegion.from(lender.buffer)
    const values = region.view(Int32Array)
    for (let i = 0; i < values.length; ++i) values[i] = first + i
    this.#grounds.push({ first, region, lender, state: 'open' })
  }

  #isCrowded(): boolean {
    return this.#grounds.filter(({ region }) => region !== undefined).length > 30
  }

  #openCommon(): void {
    if (this.#common.length === 0 || this.#isCrowded()) return
    const { first, shared } = this.#random.pick(this.#common)
    const region = HostRegion.open(shared)
    this.#grounds.push({ first, region, lender: undefined, state: 'open' })
  }

  #attach(): void {
    const animal = this.#pickHeld(false)
    const ground = this.#pickOpen()
    if (animal?.instance === undefined || ground?.region === undefined) return
    const offset = 4 * this.#random.below(byteLength / 4)
    // From a view of a region's own memory comes a part of it. Lent bytes would be borrowed anew.
    const view = ground.region.view(Uint8Array, offset)
    const isLent = ground.lender !== undefined || !(view.buffer instanceof ArrayBuffer)
    const asView = !isLent && this.#random.below(3) === 0
    const part = asView ? HostRegion.from(view) : ground.region.subarray(offset)
    setWasmInstanceRawMemory(animal.instance, part)
    animal.shown = { ground, offset }
  }

  #show(): void {
    const animal = this.#pickHeld(true)
    const ground = this.#pickOpen()
    if (animal?.instance === undefined || ground?.region === undefined) return
    const offset = 4 * this.#random.below(byteLength / 4)
    setWasmInstanceWindow(animal.instance, ground.region.subarray(offset), 0)
    animal.window = { ground, offset }
  }

  #attachMemory(): void {
    const animal = this.#pickHeld(false)
    const ground = this.#pickOpen()
    if (animal?.instance === undefined || ground?.region === undefined) return
    animal.instance.exports.memory.attach(ground.region)
    animal.home.below = { ground, offset: 0 }
  }

  /** A memory and a table that outlive their instance, and which others can import. */
  #hold(): void {
    const animal = this.#pickHeld(false)
    if (animal?.instance === undefined) return
    const { home } = animal
    const { memory, table } = animal.instance.exports
    if (home.held === undefined) this.#homes.push(home)
    home.held = { memory, table }
  }

  #letGo(): void {
    if (this.#homes.length === 0) return
    const [home] = this.#homes.splice(this.#random.below(this.#homes.length), 1)
    home!.held = undefined
  }

  #grow(): void {
    const animal = this.#pickHeld(false)
    if (animal?.instance === undefined || animal.home.pages > 2) return
    const { home } = animal
    const { grow } = animal.instance.exports
    const before = this.#persist(() => grow())
    this.#forgetTakenAway(animal)
    const expected = animal.shown || home.below ? -1 : home.pages++
    if (before !== expected) {
      throw new Error(`expected ${expected} pages before growing; got ${before}`)
    }
  }

  #detach(): void {
    const animal = this.#pickHeld()
    if (animal?.instance === undefined) return
    if (animal.hasWindows) {
      setWasmInstanceWindow(animal.instance, null, 0)
      animal.window = undefined
      return
    }
    if (this.#random.below(2) === 0) {
      setWasmInstanceRawMemory(animal.instance, null)
      animal.shown = undefined
    } else {
      animal.instance.exports.memory.attach(null)
      animal.home.below = undefined
    }
  }

  #feed(): void {
    const animal = this.#pickHeld(false)
    const ground = this.#pickOpen()
    if (animal?.instance === undefined || ground?.region === undefined) return
    this.#stopFeeding(animal)
    const feeder = new ChunkFeeder(ground.region, { windowSize })
    feeder.bind(animal.instance)
    feeder.next()
    animal.shown = { ground, offset: 0, feeder }
    animal.feeder = feeder
  }

  #feedMore(): void {
    const animal = this.#animals.find(
      ({ feeder, instance }) => feeder !== undefined && instance !== undefined,
    )
    if (animal?.feeder === undefined) return
    const { feeder } = animal
    const ground = this.#grounds.find(({ region }) => region === feeder.region)
    if (ground?.state !== 'open') return
    if (feeder.next() > 0) animal.shown = { ground, offset: feeder.position, feeder }
  }

  #stopFeeding(animal: Animal): void {
    const { feeder } = animal
    if (feeder === undefined) return
    feeder.close()
    animal.feeder = undefined
    // What was attached since stays.
    if (animal.shown?.feeder === feeder) animal.shown = undefined
  }

  #dropFeeder(): void {
    const animal = this.#animals.find(({ feeder }) => feeder !== undefined)
    if (animal !== undefined) animal.feeder = undefined
  }

  /** Lets one instance have a function or a struct of another, by one of the ways there are. */
  #give(): void {
    const from = this.#pickHeld()
    const to = this.#pickHeld()
    if (from?.instance === undefined || to?.instance === undefined) return
    const giver = from.instance.exports
    const taker = to.instance.exports
    const slot = this.#random.below(slotCount)
    const box = { animal: from, inner: from.box }
    const makeBox = () => this.#persist(() => giver.box())
    switch (this.#random.below(6)) {
      case 0:
        this.#persist(() => {
          taker.take(this.#slow(slot), giver.read)
        })
        to.home.slots[slot] = from
        break
      case 1:
        this.#persist(() => {
          taker.table.set(this.#slow(slot), giver.read)
        })
        to.home.slots[slot] = from
        break
      case 2:
        this.#persist(() => {
          taker.keep(makeBox())
        })
        to.box = box
        break
      case 3:
        this.#persist(() => {
          taker.any.value = makeBox()
        })
        to.box = box
        break
      case 4:
        this.#given.splice(0, 2, makeBox(), giver.read)
        this.#persist(() => {
          taker.fetch(slot)
        })
        this.#given.fill(null)
        to.box = box
        to.home.slots[slot] = from
        break
      case 5: {
        const other = this.#random.below(slotCount)
        this.#persist(() => {
          taker.table.set(slot, giver.table.get(other))
        })
        to.home.slots[slot] = from.home.slots[other]
        break
      }
    }
  }

  #forgetReference(): void {
    const animal = this.#pickHeld()
    if (animal?.instance === undefined) return
    const slot = this.#random.below(slotCount)
    const { exports } = animal.instance
    this.#persist(() => exports.take(slot, null))
    animal.home.slots[slot] = undefined
    exports.any.value = null
    animal.box = undefined
  }

  /** A value of JavaScript's that leads back to the instance which holds it. */
  #leadBack(): void {
    const animal = this.#pickHeld()
    if (animal?.instance === undefined) return
    const { instance } = animal
    instance.exports.extern.value = { instance, id: animal.id }
  }

  #drop(): void {
    const animal = this.#pickHeld()
    if (animal === undefined) return
    animal.instance = undefined
    animal.feeder = undefined
  }

  #dropRegion(): void {
    const ground = this.#random.pick(this.#grounds)
    if (ground === undefined) return
    ground.region = undefined
    ground.lender = undefined
  }

  #close(): void {
    const ground = this.#pickOpen()
    if (ground?.region === undefined) return
    const isUsed =
      this.#homes.some(({ below }) => below?.ground === ground) ||
      [...this.#reachable()].some(({ shown, home, window }) =>
        [shown, home.below, window].some((place) => place?.ground === ground),
      )
    try {
      ground.region.close()
      ground.state = 'closed'
    } catch (error) {
      if (!/attached/.test(String(error))) throw error
      return
    }
    if (isUsed) throw new Error(`region ${ground.first} was closed under an instance`)
  }

  #takeAway(): void {
    if (this.#random.below(4) !== 0) return
    const ground = this.#grounds.find(
      ({ lender, state }) => lender !== undefined && state === 'open',
    )
    if (ground?.lender === undefined) return
    ground.lender.grow(1)
    ground.state = 'taken away'
  }

  #interrupt(): void {
    const animal = this.#pickHeld()
    if (animal?.instance === undefined || this.#random.below(20) !== 0) return
    const { spin } = animal.instance.exports
    try {
      vm.runInNewContext('for (;;) { try { spin() } catch {} }', { spin }, { timeout: 20 })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return
      throw error
    }
    throw new Error('an endless loop came to an end')
  }

  #read(): void {
    const animal = this.#pickHeld()
    if (animal?.instance === undefined) return
    const { exports } = animal.instance
    const slot = this.#random.below(slotCount)
    const inSlot = animal.home.slots[slot]
    if (inSlot !== undefined) this.#compare(inSlot, () => exports.readSlot(slot))
    let depth = 0
    for (let box = animal.box; box !== undefined && depth < 4; box = box.inner) {
      const at = depth++
      this.#compare(box.animal, () => exports.readBox(at))
    }
    this.#compare(animal, () => exports.read())
    if (animal.hasWindows) this.#compare(animal, () => exports.readWindow(), 'window')
    else this.#compareBuffer(animal.home, exports.memory)
    const { value } = exports.extern
    if (value !== null && value.id !== animal.id) throw new Error('another value came back')
  }

  #compare(animal: Animal, read: () => bigint, where?: 'window'): void {
    ++this.#reads
    let got: string
    try {
      const value = this.#persist(read)
      got = `${value >> 32n}: ${value & 0xffffffffn}`
    } catch (error) {
      got = `${animal.id}: ${(error as Error).message}`
    }
    this.#forgetTakenAway(animal)
    const { shown, home, window } = animal
    const place = where === undefined ? (shown ?? home.below) : window
    const ownBytes = where === undefined && home.pages > 0 ? 0 : 'memory access out of bounds'
    const seen = place === undefined ? ownBytes : place.ground.first + place.offset / 4
    const expected = `${animal.id}: ${seen}`
    if (got !== expected) throw new Error(`expected ${expected}; got ${got}`)
  }

  /** What JavaScript sees of a memory. */
  #compareBuffer({ below, pages }: Home, memory: WebAssembly.Memory): void {
    const buffer = this.#persist(() => memory.buffer)
    const got = buffer.byteLength === 0 ? undefined : new Uint32Array(buffer, 0, 1)[0]
    const expected = below === undefined ? (pages > 0 ? 0 : undefined) : below.ground.first
    if (got !== expected) throw new Error(`expected ${expected} in a buffer; got ${got}`)
  }

  #forgetTakenAway(animal: Animal): void {
    const isTaken = (place: Place | undefined) => place?.ground.state === 'taken away'
    if (isTaken(animal.shown)) animal.shown = undefined
    if (isTaken(animal.window)) animal.window = undefined
    if (isTaken(animal.home.below)) animal.home.below = undefined
  }

  /** A number that takes the time for something else while it is read. */
  #slow(value: number): number | { valueOf(): number } {
    if (this.#nesting > 1 || this.#random.below(3) > 0) return value
    return {
      valueOf: () => {
        this.#meanwhile()
        return value
      },
    }
  }

  /** An object that does so whenever a property is read. */
  #trap<T extends object>(object: T): T {
    if (this.#nesting > 1 || this.#random.below(3) > 0) return object
    return new Proxy(object, {
      get: (target, name) => {
        this.#meanwhile()
        return Reflect.get(target, name)
      },
    })
  }

  #meanwhile(): void {
    ++this.#nesting
    try {
      this.#step()
    } finally {
      --this.#nesting
    }
  }

  /** Each call that can reach bytes which were taken away says so, once. */
  #persist<T>(call: () => T): T {
    for (let tries = 0; ; ++tries) {
      try {
        return call()
      } catch (error) {
        if (!/transferred away/.test(String(error)) || tries > 100) throw error
      }
    }
  }

  #held(): Animal[] {
    return this.#animals.filter(({ instance }) => instance !== undefined)
  }

  /** @param hasWindows Only those that have host windows, or that have none. */
  #pickHeld(hasWindows?: boolean): Animal | undefined {
    const held = this.#held().filter(
      (animal) => hasWindows === undefined || animal.hasWindows === hasWindows,
    )
    return held.length === 0 ? undefined : this.#random.pick(held)
  }

  #pickOpen(): Ground | undefined {
    const open = this.#grounds.filter(
      ({ region, state }) => region !== undefined && state === 'open',
    )
    return open.length === 0 ? undefined : this.#random.pick(open)
  }

  /** What JavaScript can still have code run in. */
  #reachable(): Set<Animal> {
    const reached = new Set<Animal>()
    const visit = (animal: Animal | undefined) => {
      if (animal === undefined || reached.has(animal)) return
      reached.add(animal)
      animal.home.slots.forEach(visit)
      for (let box = animal.box; box !== undefined; box = box.inner) visit(box.animal)
    }
    this.#held().forEach(visit)
    for (const { slots } of this.#homes) slots.forEach(visit)
    return reached
  }

  /** The last ones may be found on the stack. */
  #areCollected(): boolean {
    return this.#collectedCount >= this.#animalCount - 3
  }

  /** @returns the error of one that instances still show */
  #closeRegions(): unknown {
    for (const ground of this.#grounds) {
      if (ground.region === undefined || ground.state !== 'open') continue
      try {
        ground.region.close()
        ground.state = 'closed'
      } catch (cause) {
        return new Error(`region ${ground.first} cannot be closed in the end`, { cause })
      }
    }
    return undefined
  }

  /** Drops everything; all of it has to go. */
  async #empty(): Promise<ZooReport> {
    this.#animals.length = 0
    this.#homes.length = 0
    let refused: unknown
    for (let i = 0; i < 50; ++i) {
      await sleep(100)
      await collectGarbage()
      refused = this.#closeRegions()
      if (this.#areCollected() && refused === undefined) break
    }
    if (!this.#areCollected()) {
      throw new Error(`${this.#collectedCount} of ${this.#animalCount} instances were collected`)
    }
    if (refused !== undefined) throw refused
    return {
      steps: this.#steps,
      reads: this.#reads,
      animals: this.#animalCount,
      collected: this.#collectedCount,
    }
  }
}
