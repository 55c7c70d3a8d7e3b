import { readFileSync } from 'node:fs'
import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { compileText } from '../../samples/shared/compile-text.ts'
import { runScript } from '../support/run-script.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'

const sample = new URL('../../samples/inplace/main.ts', import.meta.url)

for (const brightness of [0, 40, -60, 255, -255]) {
  test(`brightness ${brightness}: the file has the result`, async (t) => {
    const original = patternBytes(3 * 4096 * 5)
    const path = temporaryFile(t, original)
    const bytes = await compileText(new URL('../../samples/inplace/brighten.wat', import.meta.url))
    {
      using image = HostRegion.mapFile(path, { writable: true })
      using feeder = new ChunkFeeder(image, { windowSize: 10_000, writable: true })
      const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
      instance.exports.run(Math.max(brightness, 0), Math.max(-brightness, 0))
    }
    const expected = original.map((value) => Math.min(Math.max(value + brightness, 0), 255))
    t.deepEqual(new Uint8Array(readFileSync(path)), expected)
  })
}

test.serial('the sample filters through windows and reads the file anew', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '64MiB', '--window', '4MiB', '--brightness', '-60'],
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Image {6}4,096 × 5,461 pixels, 64\.00 MiB, mapped for writing/m)
  t.regex(stdout, /^Filtered .* 16 windows$/m)
  const resident = /^Resident +at most ([\d.]+) MiB of the image's 64\.00 MiB/m.exec(stdout)?.[1]
  t.true(Number(resident) >= 1 && Number(resident) < 24, stdout)
  t.regex(stdout, /^Verified {3}all 67,104,768 bytes of the file/m)
})

for (const [args, message] of [
  [['--brightness', '300'], /'300' is invalid\. Allowed is an integer from -255 to 255\./],
  [['--size', '1000'], /^error: --size must be at least 12288 bytes, a row of pixels$/m],
  [['--window', '15'], /^error: --window must be at least 16 bytes$/m],
] as const) {
  test.serial(`${args.join(' ')}: an error that says what is wrong`, async (t) => {
    const { exitCode, stdout, stderr } = await runScript(sample, { args })
    t.is(exitCode, 1)
    t.is(stdout, '')
    t.regex(stderr, message)
  })
}
