import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { HostRegion, runOnWorker } from 'v8-rawmem'
import { mappingOf } from '../region/mapped-bytes.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'
import { countPorts } from './active-resources.ts'
import {
  describe,
  endless,
  greedy,
  increment,
  sumBytes,
  throwing,
  unlinkable,
  various,
} from './programs.ts'

const { CompileError, RuntimeError } = (
  globalThis as unknown as { WebAssembly: Record<string, ErrorConstructor> }
).WebAssembly as { CompileError: ErrorConstructor; RuntimeError: ErrorConstructor }

/** Bytes below 255, so that sumBytes goes through. */
const content = patternBytes(300_000).map((byte) => byte % 255)
const total = BigInt(content.reduce((sum, byte) => sum + byte, 0))

function allocated(bytes: Uint8Array): HostRegion {
  const region = HostRegion.allocate(bytes.length)
  region.view(Uint8Array).set(bytes)
  return region
}

test('a program runs over an allocation, a file map and a SharedArrayBuffer', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(content.length + 10))
  shared.set(content, 7)
  const path = temporaryFile(t, content)
  const regions = [
    allocated(content),
    HostRegion.mapFile(path),
    HostRegion.from(shared.subarray(7, 7 + content.length)),
  ]
  for (const region of regions) {
    t.is(await runOnWorker(sumBytes, region), total)
    t.is(await runOnWorker(sumBytes, region.subarray(0, 2)), BigInt(content[0]! + content[1]!))
    region.close()
  }
  t.falsy(mappingOf(path))
})

test('the window size is heeded, and progress is reported at the end at least', async (t) => {
  using region = allocated(content)
  const seen: unknown[] = []
  const result = await runOnWorker<number[]>(describe, region, {
    windowSize: 70_001,
    onProgress: (progress) => seen.push(progress),
  })
  t.deepEqual(result, [300_000, 5, content[0]!, content.at(-1)!])
  t.deepEqual(seen.at(-1), { position: 300_000, byteLength: 300_000, windows: 5 })
})

test('progress comes while the program runs', async (t) => {
  using region = HostRegion.allocate(2 ** 28)
  const positions: number[] = []
  await runOnWorker(sumBytes, region, {
    windowSize: 2 ** 18,
    // Slow enough to be seen.
    tiering: 'baseline',
    onProgress: ({ position, windows }) => {
      t.true(position <= windows * 2 ** 18)
      positions.push(position)
    },
  })
  t.true(positions.length > 1)
  t.true(positions.every((position, i) => i === 0 || position >= positions[i - 1]!))
  t.is(positions.at(-1), 2 ** 28)
})

test('numbers and bigints go in and come out, several as an array', async (t) => {
  using region = allocated(new Uint8Array([9, 8]))
  const run = (name: string, args: (number | bigint)[] = []) =>
    runOnWorker(various, region, {
      export: name,
      args,
      next: 'data.chunk',
      address: 'i64',
      memoryIndex: 1,
    })
  t.is(await run('add', [-1, 2n ** 40n, 0.5, 0.25]), 2 ** 40 - 0.25)
  t.deepEqual(await run('several'), [-5n, 0.5])
  t.is(await run('nothing'), undefined)
  t.is(await run('second'), 9n)
  await t.throwsAsync(run('reference'), {
    instanceOf: TypeError,
    message: /^export: 'reference' returned a reference/,
  })
})

test('stores are kept: in place, in the file if it is mapped so', async (t) => {
  const changed = content.map((byte) => byte + 1)
  for (const writable of [false, true]) {
    using region = HostRegion.mapFile(temporaryFile(t, content), { writable })
    t.is(await runOnWorker(increment, region, { windowSize: 65536, writable: true }), undefined)
    t.deepEqual(region.view(Uint8Array), changed)
  }
})

test('an empty region has no windows', async (t) => {
  using region = HostRegion.allocate(0)
  t.deepEqual(await runOnWorker(describe, region), [0, 0, -1, 0])
})

test('a trap rejects with the RuntimeError of Node, with the frames of the module', async (t) => {
  using region = allocated(new Uint8Array([1, 2, 255]))
  const error = await t.throwsAsync(runOnWorker(sumBytes, region), { instanceOf: RuntimeError })
  t.is(error.message, 'unreachable')
  t.is(error.name, 'RuntimeError')
  t.regex(error.stack!, /^RuntimeError: unreachable\n +at .*wasm/)
  using small = allocated(new Uint8Array(1))
  await t.throwsAsync(
    runOnWorker(various, small, {
      export: 'divide',
      args: [0],
      next: 'data.chunk',
      address: 'i64',
    }),
    { instanceOf: RuntimeError, message: 'divide by zero' },
  )
})

test('every other error of the program is of its class', async (t) => {
  using region = allocated(new Uint8Array([1]))
  const odd = { next: 'data.chunk', address: 'i64' } as const
  await t.throwsAsync(runOnWorker(new Uint8Array([0, 97, 115, 109, 2]), region), {
    instanceOf: CompileError,
  })
  await t.throwsAsync(runOnWorker(unlinkable, region), { instanceOf: RuntimeError })
  await t.throwsAsync(runOnWorker(various, region, { ...odd, export: 'deep' }), {
    instanceOf: RangeError,
    message: /call stack/,
  })
  await t.throwsAsync(runOnWorker(various, region, { ...odd, export: 'add', args: [1, 2, 3, 4] }), {
    instanceOf: TypeError,
    message: /BigInt/,
  })
  await t.throwsAsync(runOnWorker(throwing, region), {
    message: /^The program threw .*Exception.*nothing caught it/,
  })
  // The minimum of its memory is more than there is.
  const large = wat(`(module (import "env" "next" (func $next (result i32)))
    (memory 1) (func (export "run") (drop (call $next))))`)
  await t.throwsAsync(runOnWorker(large, region), {
    instanceOf: RangeError,
    message: /at least 65536 bytes/,
  })
})

test('what the module lacks, or asks beyond the windows, is named', async (t) => {
  using region = allocated(new Uint8Array([1]))
  await t.throwsAsync(runOnWorker(various, region), {
    instanceOf: TypeError,
    message:
      "export: the module exports no function 'run'; its functions are: add (function), several (function), nothing (function), reference (function), second (function), divide (function), deep (function)",
  })
  await t.throwsAsync(runOnWorker(various, region, { export: 'one' }), {
    instanceOf: TypeError,
    message: /^export: the module exports no function 'one'/,
  })
  await t.throwsAsync(runOnWorker(various, region, { export: 'add' }), {
    instanceOf: TypeError,
    message:
      "next: the module imports no function 'env.next', and nothing from 'rawmem'; its imports are: data.chunk (function)",
  })
  await t.throwsAsync(runOnWorker(greedy, region), {
    instanceOf: TypeError,
    message: /it also imports: env\.log \(function\), js\.memory \(memory\)$/,
  })
  await t.throwsAsync(runOnWorker(greedy, region, { next: 'js.memory' }), {
    instanceOf: TypeError,
    message: /^next: /,
  })
})

test('a call with too few or too many arguments is refused', async (t) => {
  using region = allocated(new Uint8Array([1]))
  const odd = { next: 'data.chunk', address: 'i64', export: 'add' } as const
  await t.throwsAsync(runOnWorker(various, region, { ...odd, args: [1, 2n] }), {
    instanceOf: TypeError,
    message: "export: 'add' takes 4 arguments, and args has 2",
  })
  await t.throwsAsync(runOnWorker(various, region, { ...odd, args: [1, 2n, 3] }), {
    message: /^export: 'add' takes 4 arguments, and args has 3\. Where it returns a struct, /,
  })
  await t.throwsAsync(runOnWorker(sumBytes, region, { args: [1] }), {
    message: "export: 'run' takes 0 arguments, and args has 1",
  })
})

test('a module that imports next with another type than it is fed with is told so', async (t) => {
  using region = allocated(new Uint8Array([1]))
  const importing = (type: string) =>
    wat(`(module (import "env" "next" (func $next (result ${type})))
      (memory 0) (func (export "run") (drop (call $next))))`)
  await t.throwsAsync(runOnWorker(importing('i64'), region), {
    instanceOf: TypeError,
    message: "next: the module imports 'env.next' with an i64 result; give address: 'i64'",
  })
  await t.throwsAsync(runOnWorker(importing('i32'), region, { address: 'i64' }), {
    instanceOf: TypeError,
    message: "next: the module imports 'env.next' with an i32 result; give address: 'i32'",
  })
})

test('arguments are checked here, and name what is wrong', async (t) => {
  using region = allocated(new Uint8Array([1]))
  const options: [object | null, RegExp][] = [
    [null, /options must be an object; got null/],
    [{ export: 5 }, /^export must be a string/],
    [{ next: null }, /^next must be a string/],
    [{ args: 5 }, /^args must be an array/],
    [{ args: [1, '2'] }, /^args\[1\] must be a number or a bigint; got '2'/],
    [{ args: new Array(1) }, /^args\[0\]/],
    [{ tiering: 'fast' }, /^tiering must be/],
    [{ onProgress: 5 }, /onProgress must be a function/],
    [{ signal: {} }, /signal must be an AbortSignal/],
    [{ windowSize: '5' }, /windowSize must be a number/],
    [{ address: 'i16' }, /address must be/],
    [{ backend: 'best' }, /must be one of 'patched'/],
  ]
  for (const [given, message] of options) {
    await t.throwsAsync(runOnWorker(sumBytes, region, given as object), {
      instanceOf: TypeError,
      message,
    })
  }
  for (const windowSize of [0, 2 ** 32, 0.5, Number.NaN]) {
    await t.throwsAsync(runOnWorker(sumBytes, region, { windowSize }), { instanceOf: RangeError })
  }
  await t.throwsAsync(runOnWorker('module' as never, region), {
    instanceOf: TypeError,
    message: /^bytes must be/,
  })
  await t.throwsAsync(runOnWorker(sumBytes, new Uint8Array(5) as never), {
    instanceOf: TypeError,
    message: /^region must be a HostRegion/,
  })
  await t.throwsAsync(runOnWorker(sumBytes, HostRegion.from(new Uint8Array(5))), {
    instanceOf: TypeError,
    message: /^share: .*ArrayBuffer/,
  })
  const closed = allocated(content)
  closed.close()
  await t.throwsAsync(runOnWorker(sumBytes, closed), { instanceOf: TypeError, message: /closed/ })
})

test.serial('aborting ends an endless loop and rejects with the reason', async (t) => {
  const path = temporaryFile(t, patternBytes(100_000))
  const region = HostRegion.mapFile(path)
  const controller = new AbortController()
  const running = runOnWorker(endless, region, { signal: controller.signal })
  let windows = 0
  const watched = runOnWorker(endless, region, {
    signal: controller.signal,
    onProgress: (progress) => {
      windows = progress.windows
    },
  })
  // Both are in their loops once one has its window.
  while (windows === 0) await sleep(20)
  await sleep(200)
  const reason = { because: 'the user has gone' }
  const aborted = performance.now()
  controller.abort(reason)
  t.is(await running.catch((error) => error), reason)
  t.is(await watched.catch((error) => error), reason)
  t.true(performance.now() - aborted < 10_000, `${performance.now() - aborted} ms`)
  t.is(getEventListeners(controller.signal, 'abort').length, 0)
  region.close()
  t.falsy(mappingOf(path))
})

test('a signal that is aborted already starts nothing', async (t) => {
  using region = allocated(content)
  const signal = AbortSignal.abort(new Error('too late'))
  await t.throwsAsync(runOnWorker(endless, region, { signal }), { message: 'too late' })
})

test('a region closed while the program runs stays mapped for it, and goes with it', async (t) => {
  const path = temporaryFile(t, content)
  const region = HostRegion.mapFile(path)
  const running = runOnWorker(sumBytes, region)
  region.close()
  t.is(await running, total)
  t.falsy(mappingOf(path))
})

test('what onProgress throws stops the program', async (t) => {
  using region = HostRegion.allocate(10)
  const wrong = new Error('the bar broke')
  await t.throwsAsync(
    runOnWorker(endless, region, {
      onProgress: () => {
        throw wrong
      },
    }),
    { is: wrong },
  )
})

test.serial('nothing is left behind, whatever the end', async (t) => {
  const path = temporaryFile(t, content)
  const failing = content.slice()
  failing[5] = 255
  const failingPath = temporaryFile(t, failing)
  const noMorePorts = countPorts()
  const controller = new AbortController()
  const { signal } = controller
  const onProgress = () => {}
  for (const end of ['result', 'trap', 'refusal'] as const) {
    const file = end === 'trap' ? failingPath : path
    const region = HostRegion.mapFile(file)
    const program = end === 'refusal' ? greedy : sumBytes
    await runOnWorker(program, region, { signal, onProgress }).catch(() => {})
    region.close()
    t.falsy(mappingOf(file), end)
    t.is(getEventListeners(signal, 'abort').length, 0)
    t.true(await noMorePorts(), end)
  }
})
