import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { bindingPath } from '../../bindings/addon/load.ts'
import { collectGarbage } from '../support/collect-garbage.ts'
import { wat } from '../support/wat.ts'

const project = join(import.meta.dirname, '../..')

const text = `(module
  (import "env" "other" (func $other (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "run") (param $n i32) (result i32)
    (if (result i32) (i32.eqz (local.get $n))
      (then (i32.const 0))
      (else (i32.add
        (i32.load8_u (local.get $n))
        (call $other (i32.sub (local.get $n) (i32.const 1))))))))`

test('two copies of the package work in one thread, and call each other', async (t) => {
  mkdirSync(join(project, 'build'), { recursive: true })
  const folder = mkdtempSync(join(project, 'build', 'copy-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const name of ['bindings', 'package.json']) {
    cpSync(join(project, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.includes('native'),
    })
  }
  const chosen = process.env.V8_RAWMEM_BINDING
  process.env.V8_RAWMEM_BINDING = bindingPath
  const copy: typeof import('v8-rawmem') = await import(
    pathToFileURL(join(folder, 'bindings', 'index.ts')).href
  )
  if (chosen === undefined) delete process.env.V8_RAWMEM_BINDING

  t.not(copy.WebAssembly, WebAssembly)
  const [one, two] = [HostRegion.allocate(65536), copy.HostRegion.allocate(65536)]
  one.view(Uint8Array).fill(1)
  two.view(Uint8Array).fill(100)
  const first = new WebAssembly.Instance(new WebAssembly.Module(wat(text)), {
    env: { other: (n: number): number => second.exports.run(n) },
  })
  const second = new copy.WebAssembly.Instance(new copy.WebAssembly.Module(wat(text)), {
    env: {
      other: (n: number): number => {
        if (n === 1) throw new RangeError('deep inside')
        return first.exports.run(n)
      },
    },
  })
  setWasmInstanceRawMemory(first, one)
  copy.setWasmInstanceRawMemory(second, two)
  await collectGarbage()
  // Each call of one engine lies within one of the other, more than share a scope of handles.
  t.is(first.exports.run(40), 20 * 101)
  t.is(second.exports.run(41), 20 * 101 + 100)
  // Through both engines, many times.
  t.throws(() => second.exports.run(40), { instanceOf: RangeError, message: 'deep inside' })
  // What belongs to one is nothing to the other.
  t.throws(() => setWasmInstanceRawMemory(second as WebAssembly.Instance, one), {
    instanceOf: TypeError,
  })
  t.is(first.exports.load(5), 1)
  t.is(second.exports.load(5), 100)
  setWasmInstanceRawMemory(first, null)
  copy.setWasmInstanceRawMemory(second, null)
  one.close()
  two.close()
})
