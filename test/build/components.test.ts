import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { inputsIn, linkedFromElsewhere } from '../../build-scripts/bind/node-gyp.ts'
import { parseThirdPartyReadme } from '../../build-scripts/package/library-components.ts'
import { writeBill } from '../../build-scripts/provenance/bill-of-materials.ts'
import { component, mergeComponents } from '../../build-scripts/provenance/component.ts'
import { jsonDifferences } from '../../build-scripts/provenance/documents.ts'
import { LockedPackages } from '../../build-scripts/provenance/npm-packages.ts'
import { isPermitted, requirePermitted } from '../../build-scripts/provenance/permitted-licences.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

test("a linker's list of inputs is read, whichever linker wrote it", (t) => {
  const lld =
    'a.node: \\\n /lib/crti.o \\\n obj/a\\ b.o \\\n /usr/lib/libstdc++.a\n\n/lib/crti.o:\n'
  t.deepEqual(inputsIn(lld), ['/lib/crti.o', 'obj/a b.o', '/usr/lib/libstdc++.a'])
  const gnu =
    'a.node: \\\n  /lib/crti.o \\\n  /usr/lib/libc.so.6\n\n/lib/crti.o:\n\n/usr/lib/libc.so.6:\n'
  t.deepEqual(inputsIn(gnu), ['/lib/crti.o', '/usr/lib/libc.so.6'])
})

test('only objects and static libraries from outside of the project and the SDK count as linked', async (t) => {
  const folder = temporaryFolder(t)
  const list = join(folder, 'link.d')
  const inputs = [
    'obj/own.o',
    '/project/own.o',
    '/sdk/lib/libv8.a',
    '/lib/libc.so.6',
    '/lib/libgcc.a',
  ]
  writeFileSync(list, `a.node: ${inputs.join(' \\\n ')}\n`)
  t.deepEqual(await linkedFromElsewhere(list, ['/project', '/sdk']), ['/lib/libgcc.a'])
})

test("the fields of a third party's README are read, and what says nothing is left out", (t) => {
  const text = `Name: fast_float
URL: https://github.com/fastfloat/fast_float
Version: upstream/v8.2.6
Revision: cfd12e
License: MIT
Description:
Revision: not this
`
  t.deepEqual(parseThirdPartyReadme(text), {
    name: 'fast_float',
    licence: 'MIT',
    website: 'https://github.com/fastfloat/fast_float',
    version: '8.2.6',
    revision: 'cfd12e',
  })
  t.deepEqual(
    parseThirdPartyReadme('Name: Abseil\nShort Name: absl\nVersion: N/A\nRevision: DEPS\n'),
    {
      name: 'absl',
    },
  )
})

test('what several lists know of a component comes together, the first having the last word', (t) => {
  const text = (path: string) => ({ path, sha256: '0'.repeat(64) })
  const exact = component({
    ref: 'a',
    name: 'a',
    licence: 'MIT',
    version: '1.2-3',
    texts: [text('x')],
  })
  const rough = component({
    ref: 'a',
    name: 'a',
    licence: 'MIT',
    version: '1',
    texts: [text('x'), text('y')],
  })
  const other = component({ ref: 'b', name: 'b', licence: 'MIT', needs: ['a'] })
  t.deepEqual(mergeComponents([other, exact], [rough]), [
    { ...exact, texts: [text('x'), text('y')] },
    other,
  ])
})

test("a bill keeps the order of its lists, whatever the builder's locale makes of them", async (t) => {
  const artifact = component({ ref: 'addon', name: 'addon', licence: 'MIT' })
  const components = ['B', 'a'].map((ref) => component({ ref, name: ref, licence: 'MIT' }))
  const text = await writeBill({ artifact, components, licences: '' })
  const written = JSON.parse(text).components as { name: string }[]
  t.deepEqual(
    written.map(({ name }) => name),
    ['B', 'a'],
  )
})

test('the packages that npm installs with one are found where Node looks for them', async (t) => {
  const project = temporaryFolder(t)
  const entry = (version: string, dependencies: Record<string, string> = {}) => ({
    version,
    license: 'MIT',
    dependencies,
  })
  writeFileSync(
    join(project, 'package-lock.json'),
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': {},
        'node_modules/a': entry('1.0.0', { b: '1', c: '*' }),
        'node_modules/a/node_modules/b': entry('1.0.0', { c: '*' }),
        'node_modules/b': entry('2.0.0'),
        'node_modules/c': entry('3.0.0'),
        'node_modules/@x/linked': { resolved: 'packages/linked', link: true },
        'packages/linked': { ...entry('4.0.0'), name: '@x/linked' },
      },
    }),
  )
  const locked = await LockedPackages.read(project)
  const { needs, components } = locked.installedWith(['a'], ['@x/linked'])
  t.deepEqual(needs, ['pkg:npm/%40x/linked@4.0.0', 'pkg:npm/a@1.0.0'])
  const described = components.map(({ ref, needs, optional, inside }) => ({
    ref,
    needs,
    optional,
    inside,
  }))
  const beside = { optional: false, inside: false }
  t.deepEqual(described, [
    { ref: 'pkg:npm/a@1.0.0', needs: ['pkg:npm/b@1.0.0', 'pkg:npm/c@3.0.0'], ...beside },
    { ref: 'pkg:npm/b@1.0.0', needs: ['pkg:npm/c@3.0.0'], ...beside },
    { ref: 'pkg:npm/c@3.0.0', needs: [], ...beside },
    { ref: 'pkg:npm/%40x/linked@4.0.0', needs: [], optional: true, inside: false },
  ])
})

test("a package's hash is that of package-lock.json, in hexadecimal", async (t) => {
  const { purl, digests } = (await LockedPackages.read(repository)).component('node-api-headers')
  t.regex(purl!, /^pkg:npm\/node-api-headers@\d/)
  t.regex(digests.sha512!, /^[0-9a-f]{128}$/)
})

test('differences of two documents are told by the names of the things that differ', (t) => {
  const expected = {
    list: [
      { name: 'a', hash: 1 },
      { name: 'b', hash: 2 },
    ],
    same: null,
  }
  const found = {
    list: [
      { name: 'c', hash: 3 },
      { name: 'a', hash: 9 },
    ],
    same: null,
    more: true,
  }
  t.deepEqual(jsonDifferences(expected, found), [
    'list › a › hash: is 9, should be 1',
    'list › b: is missing',
    'list › c: should not be there',
    'more: should not be there',
  ])
  t.deepEqual(jsonDifferences(expected, structuredClone(expected)), [])
})

test('a licence is permitted when all parts of it are, or one of those to choose from', (t) => {
  for (const licence of [
    'MIT',
    'BSD-3-Clause AND SunPro',
    'Apache-2.0 WITH LLVM-exception OR BSL-1.0',
    'GPL-3.0-or-later OR MIT',
    'GPL-3.0-or-later WITH GCC-exception-3.1',
    'LGPL-2.1-or-later WITH GCC-exception-2.0-note',
  ]) {
    t.true(isPermitted(licence), licence)
  }
  for (const licence of [
    'LGPL-2.1-or-later',
    'GPL-3.0-or-later',
    'MIT AND LGPL-2.1-or-later',
    'GPL-3.0-or-later WITH Bison-exception-2.2',
    'NOASSERTION',
    '',
  ]) {
    t.false(isPermitted(licence), licence)
  }
})

test('what npm installs beside may have another licence than what is inside', (t) => {
  const part = component({ ref: 'a', name: 'a', licence: 'LGPL-2.1-or-later' })
  t.notThrows(() => requirePermitted([{ ...part, inside: false }]))
  t.throws(() => requirePermitted([part]), { message: /\n {2}a: LGPL-2\.1-or-later$/ })
})
