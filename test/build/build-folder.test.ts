import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { recordBuild, removeUntrusted } from '../../build-scripts/bind/node-gyp.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const inputs = { makers: 'clang', sources: { 'addon.cc': 'one' } }

/** A project whose source was compiled, and recorded. */
async function built(t: ExecutionContext) {
  const project = temporaryFolder(t)
  const build = join(project, 'build')
  const object = join(build, 'addon.o')
  mkdirSync(build)
  writeFileSync(join(project, 'addon.cc'), 'source\n')
  writeFileSync(object, 'object\n')
  utimesSync(join(project, 'addon.cc'), 1e9, 1e9)
  await recordBuild(build, inputs)
  return { project, build, object, source: join(project, 'addon.cc') }
}

test('what make has left is used again, and what a killed make has left is not', async (t) => {
  const { project, build, object } = await built(t)
  await removeUntrusted(build, project, inputs)
  t.true(existsSync(object))
  await removeUntrusted(build, project, inputs)
  t.false(existsSync(object))
})

test('a damaged object is not linked', async (t) => {
  const { project, build, object } = await built(t)
  writeFileSync(object, 'objekt\n')
  await removeUntrusted(build, project, inputs)
  t.false(existsSync(object))
})

test('objects of another compiler are not linked', async (t) => {
  const { project, build, object } = await built(t)
  await removeUntrusted(build, project, { ...inputs, makers: 'gcc' })
  t.false(existsSync(object))
})

test("a changed source is make's affair when it is newer, and only then", async (t) => {
  const changed = { ...inputs, sources: { 'addon.cc': 'two' } }
  const old = await built(t)
  await removeUntrusted(old.build, old.project, changed)
  t.false(existsSync(old.object))

  const recent = await built(t)
  const now = Date.now() / 1000 + 1
  utimesSync(recent.source, now, now)
  await removeUntrusted(recent.build, recent.project, changed)
  t.true(existsSync(recent.object))
})
