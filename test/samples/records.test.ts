import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { compileText } from '../../samples/shared/compile-text.ts'
import { type ColumnSum, columnSum, sp500, sumInJavaScript } from '../../samples/shared/table.ts'
import { runScript } from '../support/run-script.ts'
import { temporaryFile } from '../support/temporary-file.ts'

const sample = new URL('../../samples/records/main.ts', import.meta.url)
const kernel = await compileText(new URL('../../samples/shared/sum-column.wat', import.meta.url))

function sumInWebAssembly(text: string, column: number, windowSize: number): ColumnSum {
  using region = HostRegion.from(new Uint8Array(Buffer.from(text)))
  using feeder = new ChunkFeeder(region, { windowSize })
  const module = new WebAssembly.Module(kernel)
  const { exports } = new WebAssembly.Instance(module, { env: { next: feeder.next } })
  return columnSum(exports.run(column))
}

for (const [text, column, lines, sum, others] of [
  ['', 0, 0, 0, 0],
  ['7', 0, 1, 7, 0],
  ['7\n', 0, 1, 7, 0],
  ['\n\n', 0, 2, 0, 2],
  ['1,20,x\n3,-40\n', 1, 2, -20, 0],
  ['1,20\r\n3,40\r\n5,60', 1, 3, 120, 0],
  ['a,-\nb,--1\nc,1-\nd,1.5\ne\nf,,9', 1, 6, 0, 6],
  ['999999999999999999\n-1\n1000000000000000000', 0, 3, 999999999999999998n, 1],
  ['0,1\n0,22\n0,333\n0,4444', 1, 4, 4800, 0],
] as const) {
  test(`${JSON.stringify(text)}, column ${column}`, (t) => {
    const expected = { lines: BigInt(lines), sum: BigInt(sum), others: BigInt(others) }
    t.deepEqual(sumInJavaScript([text], column), expected)
    t.deepEqual(sumInJavaScript(text, column), expected)
    // A window must hold a line and its newline.
    const longest = Math.max(...text.split('\n').map((line) => line.length)) + 1
    for (let window = longest; window <= text.length + 1; window++) {
      t.deepEqual(sumInWebAssembly(text, column, window), expected, `window of ${window} bytes`)
    }
  })
}

test('a line that no window holds is an error', (t) => {
  t.throws(() => sumInWebAssembly('1,2\n333,444\n5,6\n', 0, 7), { instanceOf: RangeError })
})

test.serial('the sample counts and adds what is in the repeated table', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '2MiB', '--window', '1001'],
  })
  t.is(exitCode, 0, stderr)
  const table = sp500().lines.toString().trimEnd().split('\n')
  t.is(table.length, 5105)
  const copies = Math.floor(2 ** 21 / sp500().lines.length)
  const volume = table.reduce((sum, line) => sum + Number(line.split(',').at(-1)), 0) * copies
  const [lines, sum] = [table.length * copies, volume].map((n) => n.toLocaleString('en-US'))
  t.true(
    stdout.includes(`Result     volume: ${lines} lines, sum ${sum}, 0 without an integer\n`),
    stdout,
  )
  const windows = Number(/^Read .* (\d+) windows$/m.exec(stdout)?.[1])
  t.true(windows > 2 ** 21 / 1001, stdout)
  t.regex(stdout, /^Verified/m)
})

test.serial('a table of its own', async (t) => {
  const path = temporaryFile(t, 'city,amount\nParis,-5\nRome,1000\nOslo,n/a\nBern,7')
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--file', path, '--column', 'amount', '--window', '10'],
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Result {5}amount: 4 lines, sum 1,002, 1 without an integer$/m)
  t.regex(stdout, /^Verified/m)
})

for (const [args, message] of [
  [['--window', '40'], /^error: .* longer than the 40 bytes of .*; choose a larger --window$/m],
  [['--column', 'speed'], /^error: there is no column speed in date, open, .*--column$/m],
] as const) {
  test.serial(`${args.join(' ')}: an error that says what is wrong`, async (t) => {
    const { exitCode, stdout, stderr } = await runScript(sample, {
      args: ['--size', '1MiB', ...args],
    })
    t.is(exitCode, 1)
    t.notRegex(stdout, /Result/)
    t.regex(stderr, message)
  })
}
