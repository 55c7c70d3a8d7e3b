import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import test from 'ava'
import { assemble } from '../../cli/assemble.ts'
import { defaultSdk, hasSdk, runSdkTests } from './sdk-tests.ts'

const sample = resolve(import.meta.dirname, '../../samples/embedder')

test('C++ tests of the patches', async (t) => {
  if (!hasSdk(defaultSdk)) {
    t.log(`left out: there is no SDK in ${defaultSdk} ("npm run v8 -- all" makes one)`)
    t.pass()
    return
  }
  // A first run compiles them.
  t.timeout(20 * 60_000)
  let output = ''
  try {
    await runSdkTests({ sdk: defaultSdk, brief: true, output: (text) => (output += text) })
  } catch (error) {
    t.log(output)
    throw error
  }
  t.regex(output, /100% tests passed/)
})

test('kernel.h of the embedder sample is kernel.wat in binary form', async (t) => {
  const text = await readFile(join(sample, 'kernel.wat'), 'utf8')
  const header = await readFile(join(sample, 'kernel.h'), 'utf8')
  const bytes = [...header.matchAll(/\b0x([0-9a-f]{2})\b/g)].map((match) =>
    Number.parseInt(match[1]!, 16),
  )
  t.deepEqual(bytes, [...assemble('kernel.wat', text)])
})
