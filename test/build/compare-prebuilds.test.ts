import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { sha256 } from '../../build-scripts/shared/hash.ts'
import { comparePrebuilds } from '../../build-scripts/verify/compare-prebuilds.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

function folders(t: ExecutionContext, files: Record<string, string>): string {
  const root = temporaryFolder(t)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test('files of the same bytes, changed ones, missing ones and new ones are told apart', async (t) => {
  const root = folders(t, {
    'here/linux-x64/same': 'a',
    'here/linux-x64/changed': 'b',
    'here/linux-x64/missing': 'c',
    'here/other-platform/addon': 'd',
    'built/linux-x64/same': 'a',
    'built/linux-x64/changed': 'B',
    'built/linux-x64/new': 'e',
  })
  t.deepEqual(await comparePrebuilds(join(root, 'here'), join(root, 'built')), [
    {
      file: 'linux-x64/changed',
      differences: [`is ${sha256('B')}, should be ${sha256('b')}`],
    },
    { file: 'linux-x64/missing', differences: ['was not built'] },
    { file: 'linux-x64/new', differences: ['is not here'] },
    { file: 'linux-x64/same', differences: [] },
  ])
})

test('what is another compiler, library or linked file is said by the documents', async (t) => {
  const manifest = (libstdcxx: string) =>
    JSON.stringify({ engine: { compiler: 'clang', libraries: { 'libstdc++': libstdcxx } } })
  const root = folders(t, {
    'here/linux-x64/manifest.json': manifest('12'),
    'built/linux-x64/manifest.json': manifest('14'),
  })
  t.deepEqual(await comparePrebuilds(join(root, 'here'), join(root, 'built')), [
    {
      file: 'linux-x64/manifest.json',
      differences: ['engine › libraries › libstdc++: is "14", should be "12"'],
    },
  ])
})
