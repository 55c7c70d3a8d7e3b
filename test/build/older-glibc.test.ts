import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import {
  isForOlderGlibc,
  newerSymbols,
  provideOlderGlibc,
} from '../../build-scripts/bind/older-glibc.ts'
import { loadPin } from '../../build-scripts/shared/pin.ts'
import { findCompiler } from '../../build-scripts/shared/toolchain.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = join(import.meta.dirname, '../..')
const program = 'test/build/older-glibc.cc'
const own = 'bindings/native/common/older_glibc.cc'
const run = $({ quiet: true, cwd: repository })

const compiler = await findCompiler((await loadPin(repository)).toolchain.clang)

test('a program that is linked for the oldest glibc seeks nothing newer, and works here', async (t) => {
  if (compiler.libraries.glibc === undefined) {
    t.pass(`${compiler.cxx} is not for glibc`)
    return
  }
  const folder = temporaryFolder(t)
  const glibc = await provideOlderGlibc(compiler, join(folder, 'glibc'))
  const path = join(folder, 'program')
  const flags = ['-std=c++20', '-O1', '-D_FILE_OFFSET_BITS=64', '-pthread']
  const linker = compiler.linker ? [`-fuse-ld=${compiler.linker}`] : []
  const libraries = ['-static-libstdc++', '-static-libgcc', '-Wl,--gc-sections', ...glibc]
  await run`${compiler.cxx} ${flags} ${program} ${own} ${linker} ${libraries} -o ${path}`
  t.deepEqual(await newerSymbols(path), [])
  t.is((await run({ nothrow: true })`${path}`).stdall, '')
})

test('symbols of newer versions, of other libraries and of none are found', async (t) => {
  const folder = temporaryFolder(t)
  const library = async (name: string, assembly: string, ...options: string[]) => {
    const path = join(folder, name)
    writeFileSync(`${path}.s`, assembly)
    await run`as -o ${path}.o ${path}.s`
    await run`ld -shared -soname ${name} -o ${path} ${path}.o ${options}`
    return path
  }
  const define = (...names: string[]) =>
    names.map((name) => `.globl ${name}\n.type ${name}, %function\n${name}: ret\n`).join('')
  const versions = join(folder, 'versions.map')
  writeFileSync(
    versions,
    'GLIBC_2.4 { early; };\nGLIBC_2.28 { last; };\nGLIBC_2.28.1 { later; };\nGLIBC_3 { third; };\nGCC_3.0 { unwind; };',
  )
  const names = ['early', 'last', 'later', 'third', 'unwind']
  const system = await library('libc.so.6', define(...names), `--version-script=${versions}`)
  const sought = [...names, 'nowhere', 'napi_create_object', 'node_api_create_buffer']
  const addon = await library('addon', sought.map((name) => `.quad ${name}\n`).join(''), system)
  t.deepEqual((await newerSymbols(addon)).sort(), [
    'later@GLIBC_2.28.1',
    'nowhere',
    'third@GLIBC_3',
    'unwind@GCC_3.0',
  ])
})

test('only what the pinned compiler makes is for other machines', (t) => {
  const any = { cc: 'cc', cxx: 'c++', flags: [], version: '1', libraries: { glibc: '2.36' } }
  t.false(isForOlderGlibc(any))
  t.true(isForOlderGlibc({ ...any, linker: 'lld' }))
  t.false(isForOlderGlibc({ ...any, linker: 'lld', libraries: {} }))
})
