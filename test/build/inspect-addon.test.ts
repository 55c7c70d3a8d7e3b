import { join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { inspectAddon } from '../../build-scripts/bind/prebuild.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const shows = (symbol: string) => `.globl ${symbol}\n.type ${symbol}, @function\n${symbol}: ret\n`
const seeks = (symbol: string) => `.data\n.quad ${symbol}\n`

/** A shared library of some lines of assembly. */
async function library(folder: string, assembly: string): Promise<string> {
  const path = join(folder, 'addon.node')
  const object = join(folder, 'addon.o')
  await $({ quiet: true, input: assembly })`as -o ${object} -`
  await $({ quiet: true })`ld -shared -o ${path} ${object}`
  return path
}

test('accepts an addon that shows only the entry points of Node-API', async (t) => {
  const folder = temporaryFolder(t)
  const addon = await library(
    folder,
    shows('napi_register_module_v1') + seeks('napi_create_object'),
  )
  await t.notThrowsAsync(inspectAddon(addon))
})

for (const [assembly, complaint] of [
  [shows('_ZN2v87Isolate3NewEv'), 'exports _ZN2v87Isolate3NewEv'],
  [seeks('_ZN2v87Isolate3NewEv'), 'seeks _ZN2v87Isolate3NewEv'],
  [seeks('_ZNK2v85Value6IsTrueEv'), 'seeks _ZNK2v85Value6IsTrueEv'],
  [seeks('_ZN4node6AtExitEv'), 'seeks _ZN4node6AtExitEv'],
  [seeks('uv_async_send'), 'seeks uv_async_send'],
] as const) {
  test(`refuses an addon that ${complaint}`, async (t) => {
    const folder = temporaryFolder(t)
    const error = await t.throwsAsync(inspectAddon(await library(folder, assembly)))
    t.true(error.message.includes(complaint), error.message)
  })
}
