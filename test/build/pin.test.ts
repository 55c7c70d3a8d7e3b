import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { hashPin, loadPin, readSeries } from '../../build-scripts/shared/pin.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const original = JSON.parse(readFileSync(join(repository, 'v8.lock.json'), 'utf8'))

function write(t: ExecutionContext, content: string): string {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'v8.lock.json'), content)
  return folder
}

test('the lock file of this repository is valid, and its series is there', async (t) => {
  const pin = await loadPin(repository)
  const { patches } = await readSeries(repository, pin)
  t.true(patches.length > 0)
  const names = patches.map(({ name }) => name)
  t.true(names[0]?.startsWith(join(pin.patches.folder, 'build/')))
  t.deepEqual(names, [...new Set(names)])
})

test('the hash depends on the content alone, not on how it is written', async (t) => {
  const reversed = Object.fromEntries(Object.entries(original).reverse())
  const same = await loadPin(write(t, JSON.stringify(reversed, null, 7)))
  t.is(hashPin(same), hashPin(await loadPin(repository)))
  const other = structuredClone(original)
  other.build.args.symbol_level = 1
  t.not(hashPin(await loadPin(write(t, JSON.stringify(other)))), hashPin(same))
})

test('an error names the field', async (t) => {
  const change = async (edit: (pin: typeof original) => void) => {
    const pin = structuredClone(original)
    edit(pin)
    const error = await t.throwsAsync(loadPin(write(t, JSON.stringify(pin))))
    return error.message
  }
  t.regex(await change((pin) => (pin.source.archive.sha256 = 'abc')), /source\.archive\.sha256/)
  t.regex(await change((pin) => (pin.surprise = 1)), /surprise/)
  t.regex(await change((pin) => pin.source.folders.push('../etc')), /source\.folders\[\d+\]/)
  t.regex(await change((pin) => delete pin.v8), /v8/)
  const broken = await t.throwsAsync(loadPin(write(t, '{')))
  t.regex(broken.message, /Cannot read .*v8\.lock\.json/)
})
