import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import * as engine from 'v8-rawmem'
import { bundle } from '../../build-scripts/bundle.ts'
import { blockBytes, generateLineitem } from '../../samples/query-jit/tpch/lineitem.ts'
import { type Q6Exports, q6Arguments, q6Kernel } from '../../samples/query-jit/tpch/q6.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import { type Contender, type Measurement, timed } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { type StockMemory, stock } from '../stock.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Programs that arrive all the time, and run once: the kernel of TPC-H query 6, from its bytes to its result. */
export const coldStartSuite: Suite = {
  name: 'cold-start',
  title: 'A program that runs once',
  async run(context) {
    for (const size of context.sizes.cold) {
      const bytes = Math.ceil(size / blockBytes) * blockBytes
      await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
        for (const _ of generateLineitem(region)) context.signal.throwIfAborted()
        await raceStarts(context, region)
      })
    }
    await raceProcesses(context)
  },
}

export const firstInstance = 'a process, from import to the first instance'

/**
 * What a process of its own does: brings an engine, and makes an instance of an empty module. Prints milliseconds. `process.dlopen`
 * is what loads an addon, whichever way a package asks for it.
 */
const startProgram = `
  const { performance } = require('node:perf_hooks')
  const load = process.dlopen
  let addon = 0
  process.dlopen = (...args) => {
    const start = performance.now()
    try { return load(...args) } finally { addon += performance.now() - start }
  }
  const usage = process.cpuUsage()
  const start = performance.now()
  const engine = process.argv[1] ? import(process.argv[1]) : Promise.resolve(globalThis)
  engine.then(({ WebAssembly }) => {
    const imported = performance.now()
    const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
    const compiled = performance.now()
    new WebAssembly.Instance(module)
    const end = performance.now()
    const { user, system } = process.cpuUsage(usage)
    console.log(JSON.stringify({
      all: end - start,
      addon,
      rest: imported - start - addon,
      module: compiled - imported,
      instance: end - compiled,
      processor: (user + system) / 1000,
    }))
  })`

type Start = Record<'all' | 'addon' | 'rest' | 'module' | 'instance' | 'processor', number>

async function start(entryPoint?: string): Promise<Start> {
  const more = entryPoint === undefined ? [] : [entryPoint]
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', startProgram, ...more])
  return JSON.parse(stdout) as Start
}

/** The package as it is published, in processes of their own. */
async function raceProcesses(context: BenchContext): Promise<void> {
  const published = join(repository, 'dist')
  bundle(published)
  const entryPoint = pathToFileURL(join(published, 'bindings', 'index.js')).href
  const processes = context.quick ? 1 : 5
  const contender = (
    name: string,
    part: keyof Start,
    program?: string,
    note?: string,
  ): Contender => ({
    name,
    ...(note === undefined ? {} : { note }),
    async run() {
      let [seconds, processor] = [0, 0]
      for (let i = 0; i < processes; i++) {
        const started = await start(program)
        seconds += started[part] / 1000
        processor += (part === 'all' ? started.processor : started[part]) / 1000
      }
      return { seconds, processor, operations: processes }
    },
  })
  await context.race({
    suite: coldStartSuite.name,
    case: firstInstance,
    contenders: [
      contender(names.patched, 'all', entryPoint),
      contender('stock Node', 'all', undefined, 'its WebAssembly is there from the start'),
    ],
    unit: 'ms',
  })
  await context.race({
    suite: coldStartSuite.name,
    case: `${firstInstance}: where it goes`,
    contenders: [
      contender("the package's JavaScript", 'rest', entryPoint),
      contender('loading the addon', 'addon', entryPoint, 'dlopen, and what its libraries start'),
      contender('the first module', 'module', entryPoint, 'starts V8, and makes an isolate'),
      contender('the first instance', 'instance', entryPoint),
    ],
    unit: 'ms',
  })
}

async function raceStarts(context: BenchContext, region: engine.HostRegion): Promise<void> {
  const kernel = q6Kernel()
  let programs = 0
  // Engines remember modules by their bytes, so each program is given others.
  const another = () => withNumber(kernel, ++programs)
  const repeats = context.quick ? 2 : 20

  const attached = (compile: (bytes: Uint8Array<ArrayBuffer>) => engine.WebAssembly.Module) => {
    const feeder = new engine.ChunkFeeder(region)
    const instantiate = (module: engine.WebAssembly.Module) =>
      new engine.WebAssembly.Instance(module, { env: { next: feeder.next } })
    const call = ({ exports }: engine.WebAssembly.Instance) =>
      (exports as unknown as Q6Exports).run(...q6Arguments)
    return {
      run(bytes: Uint8Array<ArrayBuffer>) {
        feeder.rewind()
        const result = call(instantiate(compile(bytes)))
        feeder.bind(null)
        return result
      },
      /** Seconds of each step. */
      runInParts(bytes: Uint8Array<ArrayBuffer>) {
        feeder.rewind()
        const module = timed(() => compile(bytes))
        const instance = timed(() => instantiate(module.result))
        const called = timed(() => call(instance.result))
        const again = timed(() => {
          feeder.rewind()
          return call(instance.result)
        })
        feeder.bind(null)
        return {
          module: module.seconds,
          instance: instance.seconds,
          // What it takes longer than a call that finds code is what compiling takes.
          compiling: Math.max(called.seconds - again.seconds, 0),
          call: again.seconds,
        }
      },
      close: () => feeder.close(),
    }
  }
  const optimized = attached((bytes) => new engine.WebAssembly.Module(bytes))
  const dynamic = attached((bytes) => new engine.WebAssembly.Module(bytes, { tiering: 'dynamic' }))

  const caches = new Map<Uint8Array, Uint8Array<ArrayBuffer>>()
  const prepared = () => {
    const bytes = another()
    const module = new engine.WebAssembly.Module(bytes)
    const feeder = new engine.ChunkFeeder(region)
    const instance = new engine.WebAssembly.Instance(module, { env: { next: feeder.next } })
    ;(instance.exports as unknown as Q6Exports).run(...q6Arguments)
    feeder.close()
    caches.set(bytes, engine.serializeModule(module))
    return bytes
  }
  const fromCache = attached((bytes) => engine.deserializeModule(caches.get(bytes)!, bytes))

  const repeated = (
    run: (bytes: Uint8Array<ArrayBuffer>) => bigint,
    prepare: () => Uint8Array<ArrayBuffer> = another,
  ): Measurement => {
    let [seconds, processor] = [0, 0]
    let result = 0n
    for (let i = 0; i < repeats; i++) {
      const bytes = prepare()
      const once = timed(() => run(bytes))
      seconds += once.seconds
      processor += once.processor
      result = once.result
    }
    return { seconds, processor, operations: repeats, result }
  }

  const contenders: Contender[] = [
    { name: names.patched, run: () => repeated(optimized.run) },
    {
      name: names.patchedCached,
      note: 'deserializeModule in place of compiling',
      run() {
        const measured = repeated(fromCache.run, prepared)
        caches.clear()
        return measured
      },
    },
    {
      name: names.patchedDynamic,
      note: 'begins in baseline code',
      run: () => repeated(dynamic.run),
    },
    {
      name: names.copied,
      note: 'a new memory and one copy of the data for each program',
      run: () => repeated((bytes) => runCopied(bytes, region)),
    },
  ]
  const part = (
    name: string,
    of: keyof ReturnType<typeof optimized.runInParts>,
    { runInParts }: typeof optimized,
    prepare: () => Uint8Array<ArrayBuffer> = another,
  ): Contender => ({
    name,
    run() {
      let seconds = 0
      for (let i = 0; i < repeats; i++) seconds += runInParts(prepare())[of]
      caches.clear()
      return { seconds, processor: seconds, operations: repeats }
    },
  })
  const over = `over ${formatSize(region.byteLength)}`
  try {
    await context.race({
      suite: coldStartSuite.name,
      case: over,
      contenders,
      baseline: names.copied,
      unit: 'ms',
      bytes: region.byteLength,
    })
    await context.race({
      suite: coldStartSuite.name,
      case: `${over}: where it goes`,
      contenders: [
        part('the module', 'module', optimized),
        part('the module, from the code cache', 'module', fromCache, prepared),
        part('the instance', 'instance', optimized),
        part('compiling its function', 'compiling', optimized),
        part('the same, from the code cache', 'compiling', fromCache, prepared),
        part('the call', 'call', optimized),
      ],
      unit: 'ms',
    })
  } finally {
    for (const { close } of [optimized, dynamic, fromCache]) close()
  }
}

function runCopied(bytes: Uint8Array<ArrayBuffer>, region: engine.HostRegion): bigint {
  let left = region.byteLength
  const next = () => {
    const length = left
    left = 0
    return length
  }
  const { exports } = new stock.Instance(new stock.Module(bytes), { env: { next } })
  const memory = exports.memory as StockMemory
  memory.grow(Math.ceil(region.byteLength / 65_536))
  new Uint8Array(memory.buffer).set(region.view(Uint8Array))
  return (exports as unknown as Q6Exports).run(...q6Arguments)
}

/** The module with a custom section of six bytes at its end: the name `n`, and four digits in base 128. */
function withNumber(module: Uint8Array<ArrayBuffer>, number: number): Uint8Array<ArrayBuffer> {
  const digits = [0, 7, 14, 21].map((shift) => (number >> shift) & 127)
  return Uint8Array.of(...module, 0, 6, 1, 'n'.charCodeAt(0), ...digits)
}
