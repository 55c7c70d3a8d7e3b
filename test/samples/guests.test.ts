import { readFileSync } from 'node:fs'
import test from 'ava'
import { HostRegion, HostWindows, WebAssembly, wasi } from 'v8-rawmem'
import { makeTrades, readSummary, summarize, textOf } from '../../samples/guests/columns.ts'
import {
  type GuestRecord,
  guests,
  readInRepository,
  recordOf,
} from '../../samples/guests/compile.ts'
import { runScript } from '../support/run-script.ts'

const records: Record<string, GuestRecord> = JSON.parse(
  readFileSync(new URL('../../samples/guests/modules.json', import.meta.url), 'utf8'),
)

const columns = makeTrades(250_000)
const expected = summarize(columns)

function regionOf(column: Uint8Array): HostRegion {
  const region = HostRegion.allocate(column.length)
  region.view(Uint8Array).set(column)
  return region
}

/** What the program prints, and what the host reads in its memory. */
function run(module: Uint8Array) {
  using prices = regionOf(new Uint8Array(columns.prices.buffer))
  using volumes = regionOf(new Uint8Array(columns.volumes.buffer))
  using windows = new HostWindows([prices, volumes])
  let stdout = ''
  const host = wasi({
    args: ['trades', 'a title'],
    stdout: (bytes) => {
      stdout += Buffer.from(bytes)
    },
  })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), {
    ...host.imports,
    ...windows.imports,
  })
  const exitCode = host.start({ exports } as WebAssembly.Instance)
  return { exitCode, stdout, summary: readSummary(exports.memory.buffer, exports.result.value) }
}

for (const guest of guests) {
  test(`${guest.language}: the module that is committed belongs to its source`, (t) => {
    const module = readInRepository(guest.module)
    t.deepEqual(
      recordOf(guest, module),
      records[guest.language],
      'Compile it anew: npm run sample guests -- --compile',
    )
  })

  test.serial(
    `${guest.language}: what its compiler makes prints and computes what JavaScript does`,
    async (t) => {
      const committed = readInRepository(guest.module)
      const compiled = await guest.compile()
      if (compiled === undefined) t.log('no compiler here: the module that is committed runs')
      // Other releases of rustc make other bytes.
      else if (guest.language !== 'Rust') t.is(Buffer.compare(compiled, committed), 0)
      t.deepEqual(run(compiled ?? committed), {
        exitCode: 0,
        stdout: textOf('a title', columns, expected),
        summary: expected,
      })
    },
  )
}

for (const backend of ['patched', 'node-rewire']) {
  test.serial(`the sample runs all four on ${backend}`, async (t) => {
    const { exitCode, stdout, stderr } = await runScript(
      new URL('../../samples/guests/main.ts', import.meta.url),
      { args: ['--trades', '300000'], env: { V8_RAWMEM_BACKEND: backend } },
    )
    t.is(exitCode, 0, stderr)
    for (const { language } of guests) {
      t.true(stdout.includes(`\n${language.padEnd(10)} `), `${language}: ${stdout}`)
    }
    t.regex(stdout, /^Verified {3}all four/m)
  })
}
