import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { HostRegion, inspector, parallelScan, runOnWorker } from 'v8-rawmem'
import { WebSocket } from 'ws'
import { assemble } from '../../cli/assemble.ts'
import type { CallLimits } from '../../types/call-limits.d.ts'
import type { RunOnWorkerOptions } from '../../types/workers.d.ts'
import { startWorker } from '../support/start-worker.ts'
import { ProtocolClient } from './protocol-client.ts'
import { slowProgram } from './slow-program.ts'

interface Target {
  readonly id: string
  readonly title: string
  readonly type: string
  readonly webSocketDebuggerUrl: string
}

const program = slowProgram(3)
const content = Uint8Array.from({ length: 1000 }, (_, i) => i)

const origin = () => `http://${new URL(inspector.url()!).host}`

async function list(): Promise<Target[]> {
  return (await (await fetch(`${origin()}/json/list`)).json()) as Target[]
}

/** The targets of workers, when there are so many. */
async function workers(count: number): Promise<Target[]> {
  for (;;) {
    const targets = (await list()).filter(({ title }) => title.includes('worker'))
    if (targets.length === count) return targets
    await sleep(20)
  }
}

function filled(t: ExecutionContext): HostRegion {
  const region = HostRegion.allocate(content.length)
  region.view(Uint8Array).set(content)
  t.teardown(() => region.close())
  return region
}

/** Starts the program on a worker; gives its client when it is paused in its first function. */
async function startPaused(t: ExecutionContext, options: RunOnWorkerOptions = {}, bytes = program) {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const result = runOnWorker(bytes, filled(t), { waitForDebugger: true, ...options })
  result.catch(() => {})
  const [target] = await workers(1)
  const client = await ProtocolClient.connect(target!.webSocketDebuggerUrl)
  await client.send('Runtime.enable')
  await client.send('Debugger.enable')
  const script = await client.event('Debugger.scriptParsed')
  await client.send('Runtime.runIfWaitingForDebugger')
  const paused = await client.event('Debugger.paused')
  return { client, script, paused, result }
}

/** Where the code of each function begins, in their order. */
async function functionOffsets(client: ProtocolClient, scriptId: string): Promise<number[]> {
  const { functionBodyOffsets } = await client.send('Debugger.disassembleWasmModule', { scriptId })
  return (functionBodyOffsets as number[]).filter((_, i) => i % 2 === 0)
}

async function breakIn(client: ProtocolClient, scriptId: string, name: number): Promise<string> {
  const columnNumber = (await functionOffsets(client, scriptId))[name]!
  const { breakpointId } = await client.send('Debugger.setBreakpoint', {
    location: { scriptId, lineNumber: 0, columnNumber },
  })
  return breakpointId
}

function expected(): number {
  let total = 0
  for (const byte of content) {
    let x = byte
    for (let i = 0; i < 3; i++) {
      x = Math.imul(x, 0x9e3779b1)
      x = (x << 13) | (x >>> 19)
    }
    total = (total + x) | 0
  }
  return total
}

test.serial('it is open or closed, once per process', async (t) => {
  t.is(inspector.url(), undefined)
  inspector.close()
  t.throws(() => inspector.waitForDebugger(), { message: /^the inspector is not open/ })
  {
    using _ = inspector.open(0)
    t.regex(
      inspector.url()!,
      /^ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    )
    t.throws(() => inspector.open(0), {
      message: /^the inspector listens on 127.0.0.1:\d+ already/,
    })
  }
  t.is(inspector.url(), undefined)
  for (const [args, message] of [
    [[-1], /^port must be an integer from 0 to 65535; got -1$/],
    [[0, 1], /^host must be a string; got 1$/],
    [[0, '::1', 1], /^wait must be a boolean; got 1$/],
  ] as const) {
    t.throws(() => inspector.open(...(args as unknown as [])), { message })
  }
  t.throws(() => inspector.open(0, '192.0.2.1'), { message: /^the inspector cannot listen: / })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.throws(() => inspector.open(port), {
    message: new RegExp(`^the inspector cannot listen: .*EADDRINUSE.*${port}`),
  })
  server.close()
  t.is(inspector.url(), undefined)
})

test.serial('the list names each thread; requests by other names are refused', async (t) => {
  using _ = inspector.open(0)
  const [target] = await list()
  t.is(target!.webSocketDebuggerUrl, inspector.url()!)
  t.is(target!.type, 'node')
  t.regex(target!.title, /^v8-rawmem main thread \[\d+\]$/)
  const version = (await (await fetch(`${origin()}/json/version`)).json()) as object
  t.regex((version as { Browser: string }).Browser, /^v8-rawmem\//)
  t.is((await fetch(`${origin()}/other`)).status, 404)
  const { port } = new URL(origin())
  for (const [host, status] of [
    ['evil.example', 403],
    ['localhost', 200],
  ] as const) {
    const [response] = await once(
      request({ port, path: '/json/list', headers: { host: `${host}:${port}` } }).end(),
      'response',
    )
    response.resume()
    t.is(response.statusCode, status)
  }
})

test.serial('without the token there is no connection', async (t) => {
  using _ = inspector.open(0)
  for (const path of ['', '00000000-0000-4000-8000-000000000000']) {
    const socket = new WebSocket(`${origin().replace('http', 'ws')}/${path}`)
    await t.throwsAsync(once(socket, 'open'), { message: /400/ })
    socket.close()
  }
})

test.serial('a worker pauses in its first function, at breakpoints, and after steps', async (t) => {
  const { client, script, paused, result } = await startPaused(t)
  t.is(script.scriptLanguage, 'WebAssembly')
  t.regex(script.url, /^wasm:\/\/wasm\/slow-/)
  t.is(paused.reason, 'step')
  t.is(paused.callFrames[0].functionName, '$run')

  const breakpointId = await breakIn(client, script.scriptId, 0)
  await client.send('Debugger.resume')
  const inMix = await client.event('Debugger.paused')
  t.deepEqual(
    inMix.callFrames.map((frame: { functionName: string }) => frame.functionName),
    ['$mix', '$sum', '$run'],
  )
  t.is(inMix.hitBreakpoints.length, 1)

  t.is(await client.evaluate(inMix, '$rounds.value'), 3)
  t.is(await client.evaluate(inMix, '$x.value'), 0)
  const locals = inMix.callFrames[0].scopeChain.find(
    ({ type }: { type: string }) => type === 'local',
  )
  const { result: properties } = await client.send('Runtime.getProperties', {
    objectId: locals.object.objectId,
    ownProperties: true,
  })
  t.deepEqual(
    properties.map(({ name }: { name: string }) => name),
    ['$x', '$rounds', '$i'],
  )

  await client.send('Debugger.stepOver')
  const stepped = await client.event('Debugger.paused')
  t.is(stepped.callFrames[0].functionName, '$mix')
  t.true(stepped.callFrames[0].location.columnNumber > inMix.callFrames[0].location.columnNumber)
  // It is in a loop.
  await client.send('Debugger.removeBreakpoint', { breakpointId })
  await client.send('Debugger.stepOut')
  t.is((await client.event('Debugger.paused')).callFrames[0].functionName, '$sum')

  await client.send('Debugger.setBreakpointsActive', { active: false })
  await client.send('Debugger.resume')
  t.is(await result, expected())
})

const windowProgram = assemble(
  'windows.wat',
  `(module
    (import "env" "next" (func $next (result i32)))
    (memory 0)
    (func $look (param $length i32) (result i32) (local.get $length))
    (func $run (export "run") (result i32) (local $length i32) (local $total i32)
      (loop $windows
        (local.set $length (call $look (call $next)))
        (local.set $total (i32.add (local.get $total) (local.get $length)))
        (br_if $windows (local.get $length)))
      (local.get $total)))`,
  { debugNames: true },
)

test.serial('a debugger sees the window that the program sees', async (t) => {
  const { client, script, result } = await startPaused(t, { windowSize: 100 }, windowProgram)
  await breakIn(client, script.scriptId, 0)
  await client.send('Debugger.resume')
  for (const begin of [0, 100, 200]) {
    const paused = await client.event('Debugger.paused')
    t.is(await client.evaluate(paused, '$length.value'), 100)
    t.deepEqual(await client.evaluate(paused, 'Array.from(bytes(instance, 0, 3))'), [
      ...content.subarray(begin, begin + 3),
    ])
    await t.throwsAsync(client.evaluate(paused, 'bytes(instance, 98, 3)'), {
      message: /^RangeError: bytes: the instance sees no such bytes there/,
    })
    await client.send('Debugger.resume')
  }
  await client.close()
  t.is(await result, content.length)
})

const hostWindowProgram = assemble(
  'host-windows.wat',
  `(module
    (import "rawmem" "next" (func $next (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "own bytes")
    (func $look (param $length i32) (result i32) (local.get $length))
    (func $run (export "run") (result i32)
      (call $look (call $next (i32.const 0) (i32.const 0)))))`,
  { debugNames: true },
)

test.serial('host windows and the memory of the program are one for a debugger', async (t) => {
  const { client, script, result } = await startPaused(t, {}, hostWindowProgram)
  await breakIn(client, script.scriptId, 0)
  await client.send('Debugger.resume')
  const paused = await client.event('Debugger.paused')
  t.deepEqual(await client.evaluate(paused, 'Array.from(bytes(instance, 0x80000000, 5))'), [
    ...content.subarray(0, 5),
  ])
  t.is(await client.evaluate(paused, 'String.fromCharCode(...bytes(instance, 16, 9))'), 'own bytes')
  await t.throwsAsync(client.evaluate(paused, 'bytes(1, 2, 3)'), { message: /takes an instance/ })
  await client.close()
  t.is(await result, content.length)
})

test.serial('a program goes on when its client leaves, or the inspector closes', async (t) => {
  const first = await startPaused(t)
  await first.client.close()
  t.is(await first.result, expected())
  inspector.close()
  const second = await startPaused(t)
  await breakIn(second.client, second.script.scriptId, 0)
  inspector.close()
  t.is(await second.result, expected())
  inspector.open(0)
  const third = runOnWorker(program, filled(t), { waitForDebugger: true })
  await workers(1)
  inspector.close()
  t.is(await third, expected())
})

test.serial('two clients share a target; a program waits for one that lets it run', async (t) => {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const result = runOnWorker(program, filled(t), { waitForDebugger: true })
  const [target] = await workers(1)
  const early = await ProtocolClient.connect(target!.webSocketDebuggerUrl)
  await early.send('Debugger.enable')
  await early.close()
  const clients = [
    await ProtocolClient.connect(target!.webSocketDebuggerUrl),
    await ProtocolClient.connect(target!.webSocketDebuggerUrl),
  ]
  for (const client of clients) await client.send('Debugger.enable')
  await clients[0]!.send('Runtime.runIfWaitingForDebugger')
  for (const client of clients) await client.event('Debugger.paused')
  await clients[0]!.close()
  await sleep(100)
  await clients[1]!.send('Debugger.resume')
  t.is(await result, expected())
})

test.serial('a program that is stopped ends, though it is paused or waits', async (t) => {
  const controller = new AbortController()
  const { client, result } = await startPaused(t, { signal: controller.signal })
  const gone = once(client.socket, 'close')
  controller.abort(new Error('enough'))
  await t.throwsAsync(result, { message: 'enough' })
  await gone
  const waiting = runOnWorker(program, filled(t), {
    waitForDebugger: true,
    signal: AbortSignal.timeout(500),
  })
  // Not an error for AVA on Node 20.
  await t.throwsAsync(waiting, { any: true, name: 'TimeoutError' })
})

test.serial('a running loop is paused where it calls a function next', async (t) => {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const endless = assemble(
    'endless.wat',
    `(module (import "env" "next" (func $next (result i32))) (memory 0)
      (global $stop (mut i32) (i32.const 0))
      (func $turn (param $i i32) (result i32) (i32.add (local.get $i) (i32.const 1)))
      (func $run (export "run") (result i32) (local $i i32)
        (loop $forever (local.set $i (call $turn (local.get $i))) (br $forever))
        (local.get $i)))`,
    { debugNames: true },
  )
  // Optimized code has the function inlined, and calls none.
  for (const tiering of ['dynamic', 'baseline'] as const) {
    const controller = new AbortController()
    const result = runOnWorker(endless, filled(t), { tiering, signal: controller.signal })
    result.catch(() => {})
    const [target] = await workers(1)
    const client = await ProtocolClient.connect(target!.webSocketDebuggerUrl)
    await client.send('Debugger.enable')
    await client.send('Debugger.pause')
    const paused = await client.event('Debugger.paused')
    t.is(paused.callFrames.at(-1).functionName, '$run')
    await client.send('Debugger.resume')
    await client.event('Debugger.resumed')
    controller.abort()
    await t.throwsAsync(result, { any: true, name: 'AbortError' })
    await workers(0)
  }
})

test.serial('a pause is no time for a timeout; another thread can end it', async (t) => {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const startLimited = async (limits: CallLimits) => {
    const worker = startWorker(new URL('./limited-worker.ts', import.meta.url), limits)
    const ended = once(worker, 'message').then(([name]) => name)
    const [target] = await workers(1)
    const client = await ProtocolClient.connect(target!.webSocketDebuggerUrl)
    await client.send('Debugger.enable')
    await client.send('Debugger.pause')
    await client.send('Runtime.runIfWaitingForDebugger')
    await client.event('Debugger.paused')
    return { client, ended }
  }
  const limited = await startLimited({ timeout: 3000 })
  t.is(await Promise.race([limited.ended, sleep(4000, 'still paused')]), 'still paused')
  await limited.client.send('Debugger.resume')
  const resumed = performance.now()
  t.is(await limited.ended, 'TimeoutError')
  t.true(performance.now() - resumed > 500, 'it has the time that was left')
  await workers(0)
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const { ended } = await startLimited({ stop })
  Atomics.store(stop, 0, 1)
  t.is(await ended, 'AbortError')
  await workers(0)
})

test.serial('a client ends a call, and the error says so', async (t) => {
  const { client, result } = await startPaused(t)
  // Is answered when the call has ended.
  void client.send('Runtime.terminateExecution')
  await client.send('Debugger.resume')
  await t.throwsAsync(result, { message: 'WebAssembly was terminated by a debugger' })
})

test.serial('each thread of a scan is a target', async (t) => {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const result = parallelScan<number>(program, filled(t), {
    workers: 2,
    recordBytes: 500,
    waitForDebugger: true,
  })
  const targets = await workers(2)
  t.is(new Set(targets.map(({ id }) => id)).size, 2)
  for (const { webSocketDebuggerUrl } of targets) {
    const client = await ProtocolClient.connect(webSocketDebuggerUrl)
    await client.send('Debugger.enable')
    await client.send('Runtime.runIfWaitingForDebugger')
    const paused = await client.event('Debugger.paused')
    t.is(paused.callFrames[0].functionName, '$run')
    await client.send('Debugger.resume')
  }
  t.is(
    (await result).reduce((sum, part) => (sum + part) | 0),
    expected(),
  )
})

test.serial('a thread waits before its first part only', async (t) => {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const result = parallelScan<number>(program, filled(t), {
    workers: 1,
    parts: 4,
    recordBytes: 250,
    waitForDebugger: true,
  })
  const [target] = await workers(1)
  const client = await ProtocolClient.connect(target!.webSocketDebuggerUrl)
  await client.send('Runtime.runIfWaitingForDebugger')
  t.is((await result).length, 4)
  await client.close()
})

test.serial('waitForDebugger needs an open inspector, and the V8 inside', async (t) => {
  const region = filled(t)
  await t.throwsAsync(runOnWorker(program, region, { waitForDebugger: true }), {
    message: /^waitForDebugger: the inspector is not open/,
  })
  await t.throwsAsync(runOnWorker(program, region, { waitForDebugger: 1 as never }), {
    message: 'waitForDebugger must be a boolean; got 1',
  })
})

test.serial('the console of a program at rest evaluates, and profiles', async (t) => {
  inspector.open(0)
  t.teardown(() => inspector.close())
  const client = await ProtocolClient.connect(inspector.url()!)
  const { result } = await client.send('Runtime.evaluate', {
    expression: 'typeof WebAssembly.Module + 6 * 7',
  })
  t.is(result.value, 'function42')
  await client.send('Profiler.enable')
  await client.send('Profiler.start')
  const { profile } = await client.send('Profiler.stop')
  t.true(profile.nodes.length > 0)
  await t.throwsAsync(client.send('No.such'), { message: /wasn't found/ })
  client.socket.send('no JSON')
  t.is((await client.send('Runtime.evaluate', { expression: '1' })).result.value, 1)
  await client.close()
})
