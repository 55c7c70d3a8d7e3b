import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { temporaryFolder } from '../support/temporary-file.ts'
import { sourceCommand, start } from './command.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }
const here = `${process.platform}-${process.arch}`

const run = (cwd: string, ...args: string[]) =>
  start([...sourceCommand, 'sdk', ...args], {}, cwd).ended

test('sdk prints the folder of the SDK that is installed in the project, from any folder of it', async (t) => {
  const project = realpathSync(temporaryFolder(t))
  const folder = join(project, 'node_modules', '@v8-rawmem', `sdk-${here}`)
  mkdirSync(folder, { recursive: true })
  mkdirSync(join(project, 'source'))
  writeFileSync(join(folder, 'package.json'), '{}')
  for (const cwd of [project, join(project, 'source')]) {
    t.deepEqual(await run(cwd), { exitCode: 0, stdout: `${folder}\n`, stderr: '' })
  }
})

test('sdk says how to install it, and where there is none', async (t) => {
  const project = temporaryFolder(t)
  const missing = await run(project)
  t.is(missing.exitCode, 1)
  t.is(missing.stdout, '')
  t.true(missing.stderr.includes(`npm install @v8-rawmem/sdk-${here}@${version}`), missing.stderr)
  const other = await run(project, '--platform', 'win32-x64')
  t.is(other.exitCode, 1)
  t.regex(other.stderr, /There is no SDK for win32-x64; there is one for .*linux-x64/)
})
