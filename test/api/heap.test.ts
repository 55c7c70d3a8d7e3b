import test from 'ava'
import { binaryenText } from '../support/binaryen-text.ts'
import { runScript } from '../support/run-script.ts'

const module = Buffer.from(
  binaryenText(`(module
  (type $node (struct (field (ref null $node)) (field i64)))
  (type $array (array (mut i64)))
  (type $list (struct (field (ref null $list)) (field (ref $array))))
  (func (export "answer") (result i32) (i32.const 42))
  (func (export "structs")
    (local $last (ref null $node))
    (loop $again
      (local.set $last (struct.new $node (local.get $last) (i64.const 1)))
      (br $again)))
  (func (export "arrays")
    (local $last (ref null $list))
    (loop $again
      (local.set $last (struct.new $list (local.get $last) (array.new $array (i64.const 1) (i32.const 100000))))
      (br $again))))`),
).toString('base64')

// Each in a process of its own: what is tested is that the process lives on.
for (const what of ['tables', 'structs', 'arrays']) {
  test.serial(`${what} without end are a RangeError, and the engine goes on`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(
      new URL('./heap.ts', import.meta.url),
      { args: [what, module], env: { V8_RAWMEM_FLAGS: '--max-old-space-size=64' } },
    )
    t.is(signal, null, stderr)
    t.is(exitCode, 0, stderr)
    t.regex(stdout, /^RangeError: .*\nRangeError: .*\n42\n$/)
  })
}

/** What a run of heap.ts had resident. */
function most(stderr: string): number {
  return Number(/^at most (\d+) MiB$/m.exec(stderr)?.[1])
}

// Was before: 4 GiB and more.
for (const what of ['tables', 'structs', 'arrays']) {
  test.serial(`${what} are under the limit of Node's own heap`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(
      new URL('./heap.ts', import.meta.url),
      { args: [what, module], nodeArgs: ['--max-old-space-size=64'] },
    )
    t.is(signal, null, stderr)
    t.is(exitCode, 0, stderr)
    t.regex(stdout, /^RangeError: .*\nRangeError: .*\n42\n$/)
    t.true(most(stderr) < 1500, stderr)
  })
}

// Was before: 4 GiB and more.
test.serial('structs are under the limit of a worker', async (t) => {
  const { exitCode, signal, stdout, stderr } = await runScript(
    new URL('./heap.ts', import.meta.url),
    { args: ['structs', module, '64'] },
  )
  t.is(signal, null, stderr)
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^RangeError: .*\nRangeError: .*\n42\n$/)
  t.true(most(stderr) < 1500, stderr)
})
