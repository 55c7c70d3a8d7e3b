import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import {
  ChunkFeeder,
  HostRegion,
  parallelScan,
  runOnWorker,
  startCpuProfile,
  WebAssembly,
} from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { startWorker } from '../support/start-worker.ts'
import { slowProgram } from './slow-program.ts'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly hitCount: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
    readonly children?: readonly number[]
  }[]
  readonly startTime: number
  readonly endTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

// The compiler inlines functions, which then are not in the profile.
const tiering = 'baseline'
const program = slowProgram(100)

function region(t: ExecutionContext): HostRegion {
  const bytes = HostRegion.allocate(1_000_000)
  t.teardown(() => bytes.close())
  return bytes
}

/** The samples taken in functions of that name. */
function samplesIn(profile: Profile, name: string): number {
  return profile.nodes
    .filter(({ callFrame }) => callFrame.functionName === name)
    .reduce((sum, { hitCount }) => sum + hitCount, 0)
}

function checkSlowProgram(t: ExecutionContext, json: string): void {
  const profile = JSON.parse(json) as Profile
  const ids = new Set(profile.nodes.map(({ id }) => id))
  t.true(profile.samples.length > 20)
  t.is(profile.samples.length, profile.timeDeltas.length)
  t.true(profile.samples.every((id) => ids.has(id)))
  t.true(profile.endTime > profile.startTime)
  t.true(samplesIn(profile, 'mix') > profile.samples.length / 2)
  const { callFrame } = profile.nodes.find(({ callFrame }) => callFrame.functionName === 'mix')!
  t.regex(callFrame.url, /^wasm:\/\/wasm\/slow-[0-9a-f]{8}$/)
}

test('a span of calls is recorded with the names of the functions', (t) => {
  using feeder = new ChunkFeeder(region(t))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(program, { tiering }), {
    env: { next: feeder.next },
  })
  const handle = startCpuProfile({ samplingInterval: 500 })
  exports.run()
  const profile = handle.stop()
  checkSlowProgram(t, profile)
  t.is(handle.stop(), profile)
})

test('profiles overlap, and end with their block', (t) => {
  using feeder = new ChunkFeeder(region(t))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(program, { tiering }), {
    env: { next: feeder.next },
  })
  const outer = startCpuProfile()
  let inner: string
  {
    using handle = startCpuProfile()
    exports.run()
    inner = handle.stop()
  }
  checkSlowProgram(t, inner)
  checkSlowProgram(t, outer.stop())
})

test('wrong options are named', (t) => {
  t.throws(() => startCpuProfile({ samplingInterval: 1 }), {
    message: /^samplingInterval must be an integer from 50 to 1000000; got 1$/,
  })
  t.throws(() => startCpuProfile(null as never), { message: 'options must be an object; got null' })
})

test('too many profiles are refused', (t) => {
  const handles: Disposable[] = []
  t.throws(
    () => {
      for (;;) handles.push(startCpuProfile())
    },
    { message: /^too many CPU profiles are being recorded on this thread/ },
  )
  t.true(handles.length >= 10)
  for (const handle of handles) handle[Symbol.dispose]()
  startCpuProfile().stop()
})

test('a worker gives its profile, each thread its own, and also after a trap', async (t) => {
  const bytes = region(t)
  const profiles: string[] = []
  const onCpuProfile = (profile: string, thread: number) => {
    profiles[thread] = profile
  }
  await runOnWorker(program, bytes, { tiering, onCpuProfile })
  checkSlowProgram(t, profiles[0]!)
  await parallelScan(program, bytes, { tiering, workers: 2, onCpuProfile })
  t.is(profiles.length, 2)
  for (const profile of profiles) checkSlowProgram(t, profile)
  profiles.length = 0
  await t.throwsAsync(runOnWorker(program, bytes, { tiering, export: 'trap', onCpuProfile }), {
    message: 'unreachable',
  })
  checkSlowProgram(t, profiles[0]!)
})

test('what onCpuProfile throws rejects; it is a function, and needs the V8 inside', async (t) => {
  const bytes = region(t)
  const onCpuProfile = () => {
    throw new Error('no room')
  }
  await t.throwsAsync(runOnWorker(program, bytes, { onCpuProfile }), { message: 'no room' })
  await t.throwsAsync(runOnWorker(program, bytes, { onCpuProfile: 1 as never }), {
    message: 'onCpuProfile must be a function; got 1',
  })
  await t.throwsAsync(runOnWorker(program, bytes, { backend: 'node-rewire', onCpuProfile }), {
    message: /^onCpuProfile is for the backend 'patched', and this is 'node-rewire'/,
  })
})

test('a thread that ends while it records leaves nothing behind', async (t) => {
  for (let i = 0; i < 4; i++) {
    const worker = startWorker(new URL('./endless-profile.ts', import.meta.url), undefined)
    await once(worker, 'message')
    await worker.terminate()
  }
  t.pass()
})

for (const [first, result] of [
  ['inner', 'true'],
  ['node', /^"Node or another library records a CPU profile, .*SIGPROF; stop that first"$/],
] as const) {
  test(`a profile beside one of Node ends no process: ${first} first`, async (t) => {
    const script = new URL('two-profilers.ts', import.meta.url)
    const { stdout, signal, stderr } = await runScript(script, { args: [first] })
    t.is(signal, null, stderr)
    t.regex(stdout.trim(), new RegExp(result), stderr)
  })
}
