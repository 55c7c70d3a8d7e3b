import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { HostRegion, ScanPool } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'
import { describe, endless, sumBytes } from './programs.ts'

const content = new Uint8Array(1_000_000).map((_, i) => i % 251)
const total = content.reduce((sum, byte) => sum + byte, 0)
const merge = (sums: bigint[]) => Number(sums.reduce((a, b) => a + b))

const countThreads = () => readdirSync('/proc/self/task').length

/** Waits until threads that are ending have ended. */
async function fewerThreads(t: ExecutionContext, than: number): Promise<void> {
  for (let wait = 0; wait < 250 && countThreads() >= than; ++wait) await sleep(20)
  t.true(countThreads() < than)
}

function filled(): HostRegion {
  const region = HostRegion.allocate(content.length)
  region.view(Uint8Array).set(content)
  return region
}

/** Never returns if the first byte is 1. */
const endlessIfOne = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run")
    (drop (call $next))
    (loop $again (br_if $again (i32.eq (i32.load8_u (i32.const 0)) (i32.const 1))))))`)

test.serial('threads stay from scan to scan, and end with the pool', async (t) => {
  using region = filled()
  const pool = new ScanPool({ workers: 2 })
  t.is(pool.workers, 2)
  t.is(await pool.scan(sumBytes, region, { merge }), total)
  const threads = countThreads()
  for (let i = 0; i < 20; ++i) t.is(await pool.scan(sumBytes, region, { merge }), total)
  t.is((await pool.scan<number[]>(describe, region)).length, 2, 'another module')
  t.is(countThreads(), threads)
  await pool.close()
  await fewerThreads(t, threads)
  await pool.close()
  await t.throwsAsync(pool.scan(sumBytes, region), {
    instanceOf: TypeError,
    message: 'scan: the ScanPool is closed; make a new one',
  })
})

test.serial('a thread that is done takes the next part, whatever the others do', async (t) => {
  const parts = 9
  using region = HostRegion.allocate(parts)
  const pool = new ScanPool({ workers: 2 })
  const controller = new AbortController()
  region.view(Uint8Array)[0] = 1
  const scan = pool.scan(endlessIfOne, region, {
    parts,
    recordBytes: 1,
    signal: controller.signal,
    onProgress: ({ windows }) => {
      if (windows === parts) controller.abort('all have begun')
    },
  })
  t.is(await scan.catch((error) => error), 'all have begun')
  await pool.close()
})

test.serial('many scans at a time share the threads, and each keeps its order', async (t) => {
  using region = filled()
  const pool = new ScanPool({ workers: 2 })
  const scans = Array.from({ length: 5 }, (_, i) =>
    pool.scan<number[]>(describe, region.subarray(i, i + 6), { parts: 6, recordBytes: 1 }),
  )
  for (const [i, results] of (await Promise.all(scans)).entries()) {
    t.deepEqual(
      results.map(([, , first]) => first),
      Array.from(content.subarray(i, i + 6)),
    )
  }
  await pool.close()
})

test.serial('a scan that traps, is aborted or is refused leaves the pool usable', async (t) => {
  using region = filled()
  const pool = new ScanPool({ workers: 2 })
  const wrong = HostRegion.allocate(100)
  wrong.view(Uint8Array)[99] = 255
  for (let i = 0; i < 3; ++i) {
    await t.throwsAsync(pool.scan(sumBytes, wrong, { recordBytes: 50 }), { message: 'unreachable' })
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 100)
    const { signal } = controller
    await t.throwsAsync(pool.scan(endless, region, { signal }), { is: reason })
    await t.throwsAsync(pool.scan(new Uint8Array(5), region), { message: /Module/ })
    t.is(await pool.scan(sumBytes, region, { merge }), total)
  }
  // One that is under way when the pool closes goes through.
  const last = pool.scan(sumBytes, region, { merge })
  await pool.close()
  t.is(await last, total)
})

test.serial(
  'results that arrive while threads are being ended let no wait go on for ever',
  async (t) => {
    using region = filled()
    const pool = new ScanPool({ workers: 2 })
    await pool.scan(sumBytes, region, { merge })
    const reason = new Error('enough')
    const controller = new AbortController()
    // Both threads have sent the result of a part by the time they are ended.
    setTimeout(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
      controller.abort(reason)
    }, 20)
    const options = { parts: 20_000, recordBytes: 1, signal: controller.signal }
    await t.throwsAsync(pool.scan(sumBytes, region, options), { is: reason })
    t.is(await pool.scan(sumBytes, region, { merge }), total)
    await pool.close()
  },
)

const poolProcess = (flags?: string) =>
  runScript(new URL('pool-process.ts', import.meta.url), {
    timeout: 60_000,
    ...(flags === undefined ? {} : { env: { V8_RAWMEM_FLAGS: flags } }),
  })

test('a pool with threads does not keep the process alive', async (t) => {
  const { exitCode, signal, stdout, stderr } = await poolProcess()
  t.deepEqual(
    { exitCode, signal, stdout: stdout.trim().split('\n') },
    { exitCode: 0, signal: null, stdout: ['1', '2', '2'] },
    stderr,
  )
})

test('what one thread has compiled no other compiles, nor the same one again', async (t) => {
  const compiled = async (flags: string) => {
    const { stdout } = await poolProcess(`--trace-wasm-compilation-times ${flags}`)
    return stdout.match(/^Compiled function/gm)?.length
  }
  t.is(await compiled(''), 1)
  // Without the cache of the process, each thread compiles for itself, and does so once.
  t.is(await compiled('--no-wasm-native-module-cache'), 2)
})

test('wrong options are named', (t) => {
  for (const workers of [0, 1.5, 1025]) {
    t.throws(() => new ScanPool({ workers }), {
      instanceOf: RangeError,
      message: /^workers must be/,
    })
  }
  t.throws(() => new ScanPool({ workers: '2' as never }), { instanceOf: TypeError })
})
