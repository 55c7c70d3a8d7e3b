// The glue that AssemblyScript's compiler generates, handed the namespace of this package.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test from 'ava'
import { HostRegion, HostWindows, WebAssembly } from 'v8-rawmem'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))

test.serial('AssemblyScript: strings and arrays by its glue, own memory and windows', async (t) => {
  const folder = temporaryFolder(t)
  execFileSync(
    process.execPath,
    [
      ...['node_modules/assemblyscript/bin/asc.js', 'test/guests/assemblyscript/glue.ts', '-O3'],
      ...['--exportRuntime', '--bindings', 'raw', '--outFile', join(folder, 'glue.wasm')],
    ],
    { cwd: repository },
  )
  const glue = await import(pathToFileURL(join(folder, 'glue.js')).href)
  const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 251)
  using region = HostRegion.allocate(content.length)
  region.view(Uint8Array).set(content)
  using windows = new HostWindows([region], { windowSize: 4096 })

  // The glue takes `WebAssembly` from the globals, when it instantiates.
  const others = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')!
  Object.defineProperty(globalThis, 'WebAssembly', { ...others, value: WebAssembly })
  t.teardown(() => Object.defineProperty(globalThis, 'WebAssembly', others))
  const module = await WebAssembly.compile(readFileSync(join(folder, 'glue.wasm')))
  const exports = await glue.instantiate(module, {
    env: {},
    ...windows.imports,
  })

  t.is(exports.greet('Zoë', 5000), 'Hello, Zoë! '.repeat(5000))
  t.is(exports.bytes(), 100_000n)
  const expected = new Array<number>(16).fill(0)
  for (const byte of content) expected[byte >> 4]!++
  t.deepEqual(exports.histogram(), expected)
})
