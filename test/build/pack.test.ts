import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { pack } from '../../build-scripts/package/package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

test('gives the same bytes for the same files, whenever and in whatever order they were made', async (t) => {
  const root = temporaryFolder(t)
  const names = ['b.h', 'a.h', 'lib/z.a', 'lib/README']
  const archives: Buffer[] = []
  for (const [run, order] of [names, names.toReversed()].entries()) {
    const folder = join(root, `sdk-${run}`)
    for (const name of order) {
      mkdirSync(join(folder, 'lib'), { recursive: true })
      writeFileSync(join(folder, name), name.repeat(50_000))
      chmodSync(join(folder, name), run === 0 ? 0o644 : 0o600)
      utimesSync(join(folder, name), 1000 + run, 1000 + run)
    }
    const archive = join(root, `${run}.tar.zst`)
    await pack(folder, archive, 'v8-sdk', '2026-01-01T00:00:00Z')
    archives.push(readFileSync(archive))
  }
  t.deepEqual(archives[0], archives[1])
  const listed = await $({ quiet: true })`zstd -dc ${join(root, '0.tar.zst')} | tar -tf -`
  t.deepEqual(listed.stdout.trim().split('\n'), [
    'v8-sdk/',
    'v8-sdk/a.h',
    'v8-sdk/b.h',
    'v8-sdk/lib/',
    'v8-sdk/lib/README',
    'v8-sdk/lib/z.a',
  ])
})

test('leaves nothing in place of an archive it cannot make', async (t) => {
  const root = temporaryFolder(t)
  const archive = join(root, 'sdk.tar.zst')
  const attempt = pack(join(root, 'missing'), archive, 'v8-sdk', '2026-01-01T00:00:00Z')
  const error = await t.throwsAsync(attempt)
  t.regex(error.message, /Cannot pack .*sdk\.tar\.zst:[\s\S]*missing/)
  const left = await $({ quiet: true })`ls -A ${root}`
  t.is(left.stdout, '')
})
