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

/** Busy for as many rounds as its first four bytes say; returns what it was called with. */
const busy = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run") (result i32) (local $left i32)
    (drop (call $next))
    (local.set $left (i32.load (i32.const 0)))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $left) (i32.const 0))))
    (i32.load (i32.const 4))))`)

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

test.serial('parts wait for a thread, and uneven ones do not keep the other waiting', async (t) => {
  const parts = 9
  using region = HostRegion.allocate(parts * 8)
  const view = region.view(DataView)
  for (let i = 0; i < parts; ++i) {
    view.setInt32(i * 8, i === 0 ? 2 ** 28 : 1, true)
    view.setInt32(i * 8 + 4, i, true)
  }
  const pool = new ScanPool({ workers: 2 })
  const order: number[] = []
  const results = await pool.scan<number, number[]>(busy, region, {
    parts,
    recordBytes: 8,
    onProgress: () => {},
    merge: (each) => each,
  })
  t.deepEqual(results, [0, 1, 2, 3, 4, 5, 6, 7, 8])
  // Many scans at a time share the two threads.
  await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const part = region.subarray(8 * (i + 1), 8 * (i + 3))
      order.push(...(await pool.scan<number>(busy, part, { recordBytes: 8 })))
    }),
  )
  t.deepEqual(
    order.sort((a, b) => a - b),
    [1, 2, 2, 3, 3, 4, 4, 5, 5, 6],
  )
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

test('a pool with threads does not keep the process alive', async (t) => {
  const { exitCode, signal, stdout, stderr } = await runScript(
    new URL('pool-process.ts', import.meta.url),
    { timeout: 60_000 },
  )
  t.deepEqual(
    { exitCode, signal, stdout: stdout.trim() },
    { exitCode: 0, signal: null, stdout: '2' },
    stderr,
  )
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
