import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { say } from '../../build-scripts/shared/terminal.ts'
import { mountReadOnly } from './mounts.ts'
import type { Tally } from './tally.ts'
import { judgeError } from './verdict.ts'
import type { Build, Workbench } from './workbench.ts'

// Nobody's, on every Linux.
const nobody = { uid: 65534, gid: 65534 }

/** The cache, and each part of it, read-only while there is something to do everywhere; then it is writable again. */
export async function forbidWriting(bench: Workbench, tally: Tally): Promise<void> {
  const { cache, project, tree } = bench.project
  const folders: [string, Build][] = [
    [cache, 'all'],
    [join(tree, '..'), 'all'],
    [tree, 'all'],
    [join(tree, '.git'), 'all'],
    [join(tree, 'out/release'), 'all'],
    [join(cache, '15.0.0.1/logs'), 'all'],
    [join(cache, 'sdk'), 'all'],
    [join(project, 'prebuilds'), 'binding'],
    [join(project, 'bindings/native/patched/build'), 'binding'],
  ]
  for (const [folder, build] of folders) {
    await bench.restore('first')
    await bench.use('second')
    // The addons are made from the SDK of the second series.
    if (build === 'binding') await bench.run('all')
    if (!existsSync(folder)) throw new Error(`${folder} is not there`)
    const what = folder.slice(bench.project.root.length + 1)
    const mounted = await mountReadOnly(folder)
    try {
      const outcome = await bench.run(build)
      if (outcome.code === 0) say(`read-only: nothing is written to ${what}`)
      else tally.add('read-only file system', judgeError(outcome), what)
    } finally {
      await mounted.unmount()
    }
    const builds: Build[] = build === 'binding' ? ['all', 'binding'] : ['all']
    tally.addRequired('… then writable again', await bench.judge('second', builds), what)
  }
  await bench.restore('first')
  await bench.use('second')
  if (process.getuid?.() !== 0) return
  const environment = { TMPDIR: '/tmp', HOME: '/nonexistent' }
  const outcome = await bench.run('all', { user: nobody, environment })
  tally.add('another user', judgeError(outcome), 'another user, who may not write')
  tally.addRequired('… then the right one', await bench.judge('second'), 'another user')
}
