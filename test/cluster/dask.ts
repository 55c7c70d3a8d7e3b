// A scheduler and two workers of Dask on the loopback interface: eight tasks, and their sum.

import { strictEqual } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Daemons } from './daemons.ts'
import { blocks } from './page.ts'
import type { TaskFolder } from './task-folder.ts'

const sample = new URL('../../samples/cluster/dask/parts.py', import.meta.url)

export async function testDask(
  folder: TaskFolder,
  said: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [runAll] = blocks('Dask', 'sh') as [string]
  copyFileSync(sample, folder.at('parts.py'))
  const work = mkdtempSync(join(tmpdir(), 'v8-rawmem-dask-'))
  const at = (name: string) => join(work, name)
  // Debian's Python has Debian's packages.
  const env = { ...process.env, PATH: `/usr/bin:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: '1' }
  const daemons = new Daemons()
  try {
    const found = at('scheduler.json')
    const local = ['--host', '127.0.0.1', '--no-dashboard']
    daemons.start(
      ['dask-scheduler', ...local, '--port', '0', '--scheduler-file', found],
      at('scheduler.log'),
      { env },
    )
    await daemons.until('no scheduler', () => existsSync(found), signal)
    const { address } = JSON.parse(readFileSync(found, 'utf8')) as { address: string }
    for (const name of ['one', 'two']) {
      daemons.start(
        [
          'dask-worker',
          address,
          ...local,
          '--nthreads',
          '1',
          '--name',
          name,
          '--local-directory',
          at(name),
        ],
        at(`${name}.log`),
        { env, cwd: folder.path },
      )
    }
    const run = () =>
      promisify(execFile)('bash', ['-ec', runAll], {
        cwd: folder.path,
        env: { ...env, DASK_SCHEDULER_ADDRESS: address },
        signal,
      })
    folder.failPart(3, 2)
    strictEqual((await run()).stdout, `${folder.sum}\n`)
    strictEqual(folder.failuresLeft(3), 0)
    said('8 tasks on two workers, of which one is killed twice, and their sum')
    folder.failPart(3, 3)
    const failed = await run().then(
      () => '',
      ({ stdout, stderr }: { stdout: string; stderr: string }) => {
        strictEqual(stdout, '')
        return stderr
      },
    )
    strictEqual(/RuntimeError: part 3\/8 ends with \d+/.test(failed), true, failed)
    said('a task that always fails, and no sum')
  } finally {
    await daemons.stop()
    rmSync(work, { recursive: true, force: true })
  }
}
