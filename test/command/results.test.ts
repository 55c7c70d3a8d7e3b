// What the command makes of values and exit codes.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { mergeResults } from '../../cli/merge.ts'
import { callArguments } from '../../cli/option-types.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'
import { start } from './command.ts'

const { command } = compilePackage()

test('NaN is the least and the most, in whichever part it is', (t) => {
  for (const merge of ['min', 'max', 'sum'] as const) {
    t.is(mergeResults(merge, [Number.NaN, 1]), Number.NaN)
    t.is(mergeResults(merge, [1, Number.NaN]), Number.NaN)
  }
  t.is(mergeResults('min', [2n, 1n, 3n]), 1n)
  t.is(mergeResults('max', [2, 3, 1]), 3)
})

test('arguments that would wrap or become infinite are refused', (t) => {
  t.deepEqual(callArguments('18446744073709551615n,-9223372036854775808n,-Infinity'), [
    2n ** 64n - 1n,
    -(2n ** 63n),
    Number.NEGATIVE_INFINITY,
  ])
  for (const text of ['18446744073709551616n', '-9223372036854775809n']) {
    t.throws(() => callArguments(text), { message: /has more than the 64 bits of an i64/ })
  }
  t.throws(() => callArguments('-1e400'), { message: /is more than a number can be/ })
})

test('a program that fails has an exit code that says so', async (t) => {
  const folder = temporaryFolder(t)
  const data = join(folder, 'data')
  writeFileSync(data, 'data')
  for (const [code, expected] of [
    [0, 0],
    [3, 3],
    [256, 1],
    [259, 3],
  ] as const) {
    const program = join(folder, `${code}.wasm`)
    const text = `(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "rawmem" "size" (func (param i32) (result i64)))
      (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const ${code}))))`
    writeFileSync(program, wat(text))
    const { exitCode, stderr } = await start([...command, 'run', program, '--map', data]).ended
    t.is(exitCode, expected, stderr)
  }
})
