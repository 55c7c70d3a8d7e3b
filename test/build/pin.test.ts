import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { hashPin, loadPin, readSeries, targetOf } from '../../build-scripts/shared/pin.ts'
import type { AdvisedError } from '../../terminal/advised-error.ts'
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

test('each patch says why it is not upstream', async (t) => {
  const { patches } = await readSeries(repository, await loadPin(repository))
  for (const { name, path } of patches) {
    const [message] = readFileSync(path, 'utf8').split('\ndiff --git ')
    t.regex(message!, /^(Not upstream|Upstream): /m, name)
  }
})

test('the hash depends on the content alone, not on how it is written', async (t) => {
  const reversed = Object.fromEntries(Object.entries(original).reverse())
  const same = await loadPin(write(t, JSON.stringify(reversed, null, 7)))
  t.is(hashPin(same), hashPin(await loadPin(repository)))
  const other = structuredClone(original)
  other.build.args.symbol_level = 1
  t.not(hashPin(await loadPin(write(t, JSON.stringify(other)))), hashPin(same))
})

test('a variant has a folder and arguments of its own, and decides nothing about what is published', async (t) => {
  const pin = await loadPin(repository)
  const published = targetOf(pin, 'linux-x64')
  const asan = targetOf(pin, 'linux-x64', 'asan')
  t.is(asan.buildDirectory, 'out/x64.asan')
  t.deepEqual(asan.args, { ...published.args, is_asan: true })
  const error = t.throws(() => targetOf(pin, 'linux-x64', 'fast'))
  t.regex(
    `${error.message}\n${(error as AdvisedError).advice}`,
    /no variant fast[\s\S]*asan, debug/,
  )
  const other = structuredClone(original)
  other.build.variants.asan.args.is_lsan = true
  t.is(hashPin(await loadPin(write(t, JSON.stringify(other)))), hashPin(pin))
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
