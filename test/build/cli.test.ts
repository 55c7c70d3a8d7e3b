import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { makeBuildProject, runV8 } from '../support/build-project.ts'

test('explains each stage, without colours when nobody watches', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const all = await runV8(project, ['--help'])
  t.is(all.code, 0)
  for (const stage of ['fetch', 'patch', 'configure', 'compile', 'package', 'all', 'doctor']) {
    t.true(all.stdout.includes(`\n  ${stage} `), stage)
  }
  const one = await runV8(project, ['patch', '--help'])
  t.is(one.code, 0)
  t.regex(one.stdout, /--export/)
  const unknown = await runV8(project, ['fetch', '--nonsense'])
  t.is(unknown.code, 1)
  t.regex(unknown.stderr, /unknown option '--nonsense'/)
  const jobs = await runV8(project, ['compile', '--jobs', '0'])
  t.is(jobs.code, 1)
  t.regex(jobs.stderr, /integer from 1 to 1024/)
  for (const { stdout, stderr } of [all, one, unknown, jobs]) {
    t.false(`${stdout}${stderr}`.includes('\u001b'))
  }
  t.false(existsSync(project.cache))
})

test('the addons that are published are built of no variant', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const { code, stderr } = await runV8(project, ['binding', '--variant', 'asan'])
  t.is(code, 1)
  t.regex(stderr, /npm run test:sanitize -- --variant asan/)
})

test('the doctor lists what is missing with the command that installs it', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const { code, stdout, stderr } = await runV8(project, ['doctor', '--offline'], {
    PATH: join(project.root, 'nothing'),
  })
  t.is(code, 1)
  t.regex(stdout, /^missing +ninja \(package ninja-build\)$/m)
  t.regex(stdout, /^missing +clang-22 \(package clang-22\)$/m)
  t.regex(stdout, /^ok +Node\.js /m)
  t.regex(stderr, /sudo apt-get install --no-install-recommends .*clang-22 .*lld-22 .*ninja-build/)
  t.false(`${stdout}${stderr}`.includes('\u001b'))
})
