import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tally } from './tally.ts'
import { judge, judgeError } from './verdict.ts'
import type { Series, Workbench } from './workbench.ts'

/** Stages that are run one by one, and one that was needed is left out. The next whole build has to put all right. */
export async function takeShortcuts(bench: Workbench, tally: Tally): Promise<void> {
  const { project, tree } = bench.project
  const engine = join(tree, 'src/engine.cc')
  const header = join(tree, 'include/v8.h')
  const lock = join(project, 'v8.lock.json')

  /** Runs stages that are all to end well. */
  const run = async (...commands: string[][]) => {
    for (const command of commands) {
      const { code, stderr } = await bench.startCommand(command).ended
      bench.signal.throwIfAborted()
      if (code !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`)
    }
  }
  /** Runs one that has to refuse, takes the reason away if the next build is not to heed it, and then runs everything. */
  const refuse = async (
    what: string,
    command: string,
    series: Series,
    undo = async () => {},
  ): Promise<void> => {
    const outcome = await bench.startCommand([command]).ended
    tally.add(
      'a stage left out',
      outcome.code === 0
        ? { verdict: 'wrong artifact', detail: `${command} ended well` }
        : judgeError(outcome),
      what,
    )
    await undo()
    tally.addRequired('… then all of them', await bench.judge(series), what)
  }
  const edit = async (path: string, change: (content: string) => string) => {
    const content = await readFile(path, 'utf8')
    await writeFile(path, change(content))
    return async () => await writeFile(path, content)
  }

  await bench.restore('first')
  await bench.use('second')
  await run(['patch'])
  await refuse('packaged after a patch, not compiled', 'package', 'second')

  await bench.restore('first')
  const undoEngine = await edit(engine, (text) => `${text}eleven\n`)
  await run(['compile'])
  await undoEngine()
  await refuse('packaged after an edit that was compiled and undone', 'package', 'first')

  for (const command of ['compile', 'package']) {
    await bench.restore('first')
    const undo = await edit(lock, (text) => text.replace('"is_debug":false', '"is_debug":true'))
    const what = `${command} after GN's arguments have changed, not configured`
    await refuse(what, command, 'first', undo)
  }

  await bench.restore('first')
  await writeFile(join(tree, 'include/stray.h'), '// of an editor\n')
  await rm(join(bench.project.cache, 'sdk'), { recursive: true })
  const stray = await bench.startCommand(['package']).ended
  tally.addRequired(
    'packaged with a stray header',
    judge(stray, bench.expectedSdk('first'), await bench.sdk()),
  )

  await bench.restore('first')
  const undoHeader = await edit(header, (text) => `${text}// edited\n`)
  await run(['compile'], ['package', '--allow-modified'])
  await undoHeader()
  await refuse('packaged after --allow-modified, with the edit undone', 'package', 'first')
}
