// A contender in a process of its own, see process.ts.

import { type HostRegion, openBackend } from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import { type SwitchExports, switchKernel } from '../kernels/switches.ts'
import type { ValueType } from '../native/native.ts'
import { type Measurement, repeated, timed } from '../race.ts'
import { attachedScan, type Engine, memoryFor, type Scan } from '../scans.ts'
import type { ChildSetup, Job, Reply, Request } from './protocol.ts'

class Contender {
  readonly #engine: Engine
  readonly #region: HostRegion
  readonly #windowSize: number
  readonly #scans = new Map<string, Scan>()
  #filled: ValueType | undefined
  #switching: { feeder: InstanceType<Engine['ChunkFeeder']>; exports: SwitchExports } | undefined

  constructor({ backend, bytes, windowSize }: ChildSetup) {
    this.#engine = openBackend(backend)
    this.#region = this.#engine.HostRegion.allocate(bytes)
    this.#windowSize = windowSize
  }

  run(job: Job): Measurement {
    return job.kind === 'scan' ? this.#scan(job) : this.#switch(job)
  }

  #scan({ kernel, passes }: Job & { kind: 'scan' }): Measurement {
    if (this.#filled !== kernel.type) {
      fillColumn(this.#region, kernel.type)
      this.#filled = kernel.type
    }
    const key = JSON.stringify(kernel)
    let scan = this.#scans.get(key)
    if (scan === undefined) {
      scan = attachedScan(this.#engine, kernel, this.#region, { windowSize: this.#windowSize })
      this.#scans.set(key, scan)
    }
    return repeated(passes, scan.run)
  }

  #switch({ touch, passes }: Job & { kind: 'switch' }): Measurement {
    const { ChunkFeeder, WebAssembly } = this.#engine
    if (this.#switching === undefined) {
      const feeder = new ChunkFeeder(this.#region, { windowSize: this.#windowSize })
      const instance = new WebAssembly.Instance(new WebAssembly.Module(switchKernel()), {
        env: { next: feeder.next, memory: memoryFor(this.#engine, this.#windowSize) },
      })
      this.#switching = { feeder, exports: instance.exports as unknown as SwitchExports }
    }
    const { feeder, exports } = this.#switching
    const { seconds, processor } = timed(() => {
      for (let pass = 0; pass < passes; pass++) {
        feeder.rewind()
        if (touch) exports.touch()
        else exports.run()
      }
    })
    return {
      seconds,
      processor,
      operations: passes * Math.ceil(this.#region.byteLength / this.#windowSize),
    }
  }
}

let contender: Contender | undefined

process.on('message', (request: Request) => {
  let reply: Reply
  try {
    if ('setup' in request) {
      contender = new Contender(request.setup)
      reply = { measurement: undefined }
    } else {
      reply = { measurement: contender!.run(request.job) }
    }
  } catch (error) {
    reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  process.send!(reply)
})
// Ctrl-C concerns the parent, which ends this process when it is through.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
