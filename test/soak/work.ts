import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChunkFeeder,
  HostRegion,
  HostWindows,
  parallelScan,
  runWithLimits,
  ScanPool,
  setWasmInstanceRawMemory,
  WebAssembly,
} from 'v8-rawmem'
import { Zoo } from '../fuzz/api/zoo.ts'
import type { Random } from '../support/random.ts'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'
import { sumBytes } from '../workers/programs.ts'

const byteLength = 400_000
const content = new Uint8Array(byteLength).map((_, i) => i % 251)
const total = content.reduce((sum, byte) => sum + byte, 0)
const merge = (sums: bigint[]) => Number(sums.reduce((a, b) => a + b, 0n))

const program = wat(`(module
  (import "env" "f" (func $f (result i32)))
  (memory (export "memory") 1)
  (func (export "sum") (param $length i32) (result i64) (local $at i32) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (i32.load8_u (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $length))))
    (local.get $sum))
  (func (export "imports") (loop $again (drop (call $f)) (br $again)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "loop") (loop $again (br $again))))`)

const windowProgram = wat(`(module
  (import "rawmem" "next" (func $next (param i32 i32) (result i32)))
  (memory 1)
  (func (export "run") (result i64) (local $at i32) (local $length i32) (local $sum i64)
    (loop $windows
      (local.set $at (i32.const 0))
      (if (local.tee $length (call $next (i32.const 0) (i32.const -1))) (then
        (loop $again
          (local.set $sum (i64.add (local.get $sum)
            (i64.extend_i32_u (i32.load8_u offset=0x80000000 (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $at) (local.get $length))))
        (br $windows))))
    (local.get $sum)))`)

function check(got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`expected ${expected}; got ${got}`)
}

/** Work of all sorts, in a process that goes on. Whatever it begins, it also ends or lets go of. */
export class Work {
  readonly #random: Random
  // What starts the process removes its temporary files.
  readonly #file = join(mkdtempSync(join(tmpdir(), 'v8-rawmem-soak-')), 'bytes')
  /** How often each kind was done. */
  readonly counts: Record<string, number> = {}
  readonly #kinds: Readonly<Record<string, () => Promise<void>>> = {
    pool: () => this.#pool(),
    abortedScan: () => this.#abortedScan(),
    endedWorker: () => this.#endedWorker(),
    instances: () => this.#instances(),
    regions: () => this.#regions(),
    feeder: () => this.#feeder(),
    windows: () => this.#windows(),
    limits: () => this.#limits(),
    zoo: async () => void (await new Zoo(this.#random.below(2 ** 31)).run(100)),
  }

  constructor(random: Random) {
    this.#random = random
    writeFileSync(this.#file, content)
  }

  /** Several kinds at the same time, until all have ended. At most eight threads run. */
  async round(): Promise<void> {
    const names = Object.keys(this.#kinds)
    const chosen = [this.#random.pick(names), this.#random.pick(names), this.#random.pick(names)]
    await Promise.all(
      chosen.map(async (name) => {
        await this.#kinds[name]!()
        this.counts[name] = (this.counts[name] ?? 0) + 1
      }),
    )
  }

  /** Of any kind that threads can share, with the bytes whose sum is known. */
  #region(): HostRegion {
    if (this.#random.below(2) === 0) return HostRegion.mapFile(this.#file)
    const region = HostRegion.allocate(byteLength, { shareable: this.#random.below(2) === 0 })
    region.view(Uint8Array).set(content)
    return region
  }

  async #pool(): Promise<void> {
    using region = this.#region()
    const pool = new ScanPool({ workers: 1 + this.#random.below(3) })
    for (let scans = this.#random.below(4); scans >= 0; --scans) {
      const parts = 1 + this.#random.below(8)
      check(await pool.scan(sumBytes, region, { parts, recordBytes: 1, merge }), total)
    }
    await pool.close()
  }

  async #abortedScan(): Promise<void> {
    using region = this.#region()
    const signal = AbortSignal.timeout(1 + this.#random.below(150))
    const options = { workers: 2, recordBytes: 1, merge, signal }
    try {
      check(await parallelScan(sumBytes, region, options), total)
    } catch (error) {
      if (error !== signal.reason) throw error
    }
  }

  /** A thread in the midst of whatever it does. */
  async #endedWorker(): Promise<void> {
    const worker = startWorker(new URL('../fuzz/api/worker.js', import.meta.url), {
      seed: this.#random.below(2 ** 31),
      milliseconds: 60_000,
    })
    let failure: unknown
    worker.on('error', (error) => {
      failure = error
    })
    // While it loads its modules, Node leaves the file open that it was about to read.
    await once(worker, 'message')
    await sleep(this.#random.below(800))
    await worker.terminate()
    if (failure !== undefined) throw failure
  }

  async #instances(): Promise<void> {
    const tiering = this.#random.pick(['optimize', 'dynamic', 'baseline'] as const)
    const limits = { memoryPages: 3 }
    const module = await WebAssembly.compile(program, { tiering, limits })
    const region = this.#region()
    for (let i = 0; i < 10; ++i) {
      const instance = new WebAssembly.Instance(module, { env: { f: () => instance && 1 } })
      setWasmInstanceRawMemory(instance, region)
      check(Number(instance.exports.sum(byteLength)), total)
      if (this.#random.below(2) === 0) setWasmInstanceRawMemory(instance, null)
      else continue
      check(instance.exports.grow(), 1)
      check(instance.exports.memory.buffer.byteLength, 2 * 65_536)
    }
    // Instances that are let go of keep the region until they are collected.
  }

  async #regions(): Promise<void> {
    const regions = Array.from({ length: 8 }, () => this.#region())
    for (const region of regions) {
      check(region.subarray(250, 251).view(Uint8Array)[0], 250)
      if (this.#random.below(2) === 0) region.close()
    }
  }

  async #feeder(): Promise<void> {
    const feeder = new ChunkFeeder(this.#region(), {
      windowSize: 1000 + this.#random.below(100_000),
    })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(sumBytes), {
      env: { next: feeder.next },
    })
    check(Number(exports.run()), total)
    if (this.#random.below(2) === 0) feeder.close()
  }

  async #windows(): Promise<void> {
    const windows = new HostWindows([this.#region()], {
      windowSize: 1000 + this.#random.below(100_000),
    })
    const { instance } = await WebAssembly.instantiate(windowProgram, { ...windows.imports })
    check(Number(instance.exports.run()), total)
    if (this.#random.below(2) === 0) windows.close()
  }

  async #limits(): Promise<void> {
    const controller = new AbortController()
    let calls = 0
    const f = () => {
      if (++calls === 100) controller.abort(f)
      return 1
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(program), { env: { f } })
    const { signal } = controller
    const errors = [
      () => runWithLimits({ timeout: 1 + this.#random.below(10) }, exports.loop),
      () => runWithLimits({ signal, stackSize: 100_000, timeout: 60_000 }, exports.imports),
    ].map((call) => {
      try {
        return call()
      } catch (error) {
        return error
      }
    })
    check((errors[0] as DOMException).name, 'TimeoutError')
    check(errors[1], f)
  }
}
