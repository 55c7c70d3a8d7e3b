import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Header } from 'tar'
import { unpack } from '../../cli/install/unpack.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

/** A tarball, not compressed, with files of these names. */
function tarball(names: readonly string[]): Buffer {
  const blocks = names.flatMap((name) => {
    const header = Buffer.alloc(512)
    const path = `package/${name}`
    new Header({ path, type: 'File', mode: 0o644, size: 512 }).encode(header)
    return [header, Buffer.alloc(512, 'x')]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const names = Array.from({ length: 100 }, (_, i) => `${i % 10}/${i}/file`)

test('a tarball is unpacked without its top folder', async (t) => {
  const folder = temporaryFolder(t)
  await unpack(tarball(names), folder)
  for (const name of names) t.is(readFileSync(join(folder, name), 'utf8'), 'x'.repeat(512))
})

test('nothing is written any more once a tarball has been refused', async (t) => {
  for (let round = 0; round < 3; ++round) {
    const folder = join(temporaryFolder(t), 'unpacked')
    mkdirSync(folder)
    const refused = tarball([...names, '../../outside', ...names.map((name) => `later/${name}`)])
    await t.throwsAsync(unpack(refused, folder), { message: /path contains '\.\.'/ })
    rmSync(folder, { recursive: true })
    await sleep(20)
    t.false(existsSync(folder))
  }
})
