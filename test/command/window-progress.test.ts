// How far a program is while it is in one window, on a terminal.

import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HostRegion, HostWindows, WebAssembly, type WindowProgress } from 'v8-rawmem'
import { TouchedPages } from '../../cli/touched-pages.ts'
import { compileC } from '../support/compile-c.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'
import { startOnTerminal } from './command.ts'

const { command } = compilePackage()
const MiB = 2 ** 20

/** A file of zeros, whose last byte the programs wait for. */
function file(t: ExecutionContext, byteLength: number) {
  const folder = temporaryFolder(t)
  const path = join(folder, 'data.bin')
  const fd = openSync(path, 'w')
  ftruncateSync(fd, byteLength)
  t.teardown(() => closeSync(fd))
  return { folder, path, release: () => writeSync(fd, Uint8Array.of(1), 0, 1, byteLength - 1) }
}

/** Reads a byte of each page of the first half, and waits for the last byte of its only window. */
const half = wat(`(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "run") (result i32)
    (local $length i32) (local $at i32) (local $sum i32)
    (local.set $length (call $next))
    (loop $pages
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $pages (i32.lt_u (local.get $at) (i32.div_u (local.get $length) (i32.const 2)))))
    (loop $wait
      (br_if $wait (i32.eqz
        (i32.atomic.load8_u (i32.sub (local.get $length) (i32.const 1))))))
    (local.get $sum)))`)

test('the bar follows the pages that a program touches in its only window', async (t) => {
  const { folder, path, release } = file(t, 128 * MiB)
  writeFileSync(join(folder, 'half.wasm'), half)
  const running = startOnTerminal([...command, 'run', join(folder, 'half.wasm'), '--map', path])
  await running.until(/ (?:49|50|51) % /)
  release()
  const { exitCode, stdout } = await running.ended
  t.is(exitCode, 0, stdout)
  t.regex(stdout, / 100 % .*128\.00 MiB of 128\.00 MiB/)
})

test('what a program says itself is all that counts', async (t) => {
  const { folder, path, release } = file(t, 4 * MiB)
  const program = await compileC(
    `#include <rawmem.h>
    __attribute__((export_name("run"))) int run(void) {
      size_t length;
      const volatile char *bytes = rawmem_map(0, 0, rawmem_size(0), &length);
      int sum = 0;
      for (size_t at = 0; at < length; at += 4096) sum += bytes[at];
      rawmem_progress(0, length / 4);
      while (bytes[length - 1] == 0) {}
      return sum;
    }`,
    ['-mexec-model=reactor'],
  )
  writeFileSync(join(folder, 'tells.wasm'), program)
  const running = startOnTerminal([...command, 'run', join(folder, 'tells.wasm'), '--map', path])
  await running.until(/ 25 % {2}1\.00 MiB of 4\.00 MiB/)
  release()
  const { exitCode, stdout } = await running.ended
  t.is(exitCode, 0, stdout)
  t.notRegex(stdout, / (?:2[6-9]|[3-9]\d) % /)
})

test('pages that are touched are counted once, in the range alone', (t) => {
  const { path } = file(t, 16 * MiB)
  const pages = TouchedPages.of([{ path, begin: 4 * MiB, end: 12 * MiB }])!
  t.teardown(() => pages.close())
  t.is(pages.bytes(), undefined)
  using region = HostRegion.mapFile(path)
  const bytes = region.view(Uint8Array)
  const touch = (begin: number, end: number) => {
    let sum = 0
    for (let at = begin; at < end; at += 4096) sum += bytes[at]!
    return sum
  }
  t.is(pages.bytes(), 0)
  touch(0, 4 * MiB - 65_536)
  t.is(pages.bytes(), 0)
  touch(8 * MiB, 12 * MiB)
  t.is(pages.bytes(), 4 * MiB)
  t.is(pages.bytes(), 4 * MiB)
  touch(0, 16 * MiB)
  t.is(pages.bytes(), 8 * MiB)
})

test('HostWindows pass on what programs tell, and check it', (t) => {
  const region = HostRegion.allocate(1000)
  const reports: WindowProgress[] = []
  const windows = new HostWindows([null, region], {
    onProgress: (progress) => void reports.push(progress),
  })
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module
        (import "rawmem" "progress" (func $progress (param i32 i64)))
        (import "rawmem" "next" (func $next (param i32 i32) (result i32)))
        (memory 0)
        (export "next" (func $next)) (export "progress" (func $progress))
        (func (export "tell") (param i32 i64) (call $progress (local.get 0) (local.get 1))))`),
    ),
    { ...windows.imports },
  )
  exports.tell(1, 250n)
  // Within 100 ms nothing more is reported.
  exports.tell(1, 300n)
  t.deepEqual(reports, [{ window: 1, position: 250, byteLength: 1000, windows: 0 }])
  t.is(exports.next(1, -1), 1000)
  t.is(exports.next(1, -1), 0)
  t.like(reports.at(-1), { window: 1, position: 300 })
  const beyond = {
    instanceOf: RangeError,
    message: /position 1001 lies beyond the 1000 bytes of window 1/,
  }
  t.throws(() => exports.tell(1, 1001n), beyond)
  t.throws(() => exports.tell(1, -1n), { message: /position 18446744073709551615 lies beyond/ })
  t.throws(() => exports.tell(0, 0n), { message: /window 0 shows no region/ })
  t.throws(() => exports.tell(9, 0n), { message: /window 9 shows no region/ })
  windows.rewind()
  t.is(exports.next(1, -1), 1000)
  t.is(exports.next(1, -1), 0)
  t.like(reports.at(-1), { position: 1000 })
  windows.close()
})
