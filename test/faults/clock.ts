import { existsSync } from 'node:fs'
import { lstat, lutimes, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../build-scripts/shared/hash.ts'
import { say } from '../../build-scripts/shared/terminal.ts'
import type { Tally } from './tally.ts'
import type { Workbench } from './workbench.ts'

const year = 365 * 86_400

/** What Debian's package "faketime" installs. */
const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

/** Clocks that are wrong, and clocks that are set right again. The machine's own is never touched. */
export async function moveClock(bench: Workbench, tally: Tally): Promise<void> {
  for (const [name, years] of [
    ['set back by six years', 6],
    ['set forward by six years', -6],
  ] as const) {
    // To the files it is all one whether the clock goes back or they go forward.
    await bench.restore('first')
    await shiftTimes(bench, years * year)
    tally.addRequired(`clock ${name}`, await bench.judge('first'))
    await bench.use('second')
    tally.addRequired(
      '… then another patch',
      await bench.judge('second'),
      `clock ${name}, then a patch`,
    )
    tally.addRequired('… and once more', await bench.judge('second'), `clock ${name}, once more`)

    await bench.restore('first')
    await shiftTimes(bench, years * year)
    await bench.use('second')
    tally.addRequired(`clock ${name}, and another patch`, await bench.judge('second'))

    await bench.clear()
    for (const stage of ['fetch', 'patch', 'configure', 'compile', 'package']) {
      const archives = stage === 'fetch' ? bench.archives : []
      const { code, stderr } = await bench.startCommand([stage, ...archives]).ended
      bench.signal.throwIfAborted()
      if (code !== 0)
        tally.add('clock', { verdict: 'unclear error', detail: stderr }, `${name} before ${stage}`)
      await shiftTimes(bench, years * year)
    }
    tally.addRequired(`clock ${name} after each stage`, await bench.judge('first'))
  }

  // Booted with a dead battery: the patch is applied in 2001, and then the network tells the time.
  await bench.restore('first')
  await bench.use('second')
  await bench.startCommand(['patch']).ended
  await lutimes(join(bench.project.tree, 'src/engine.cc'), 1e9, 1e9)
  tally.addRequired('patched in 2001', await bench.judge('second'))

  await bench.restore('first')
  await eachFile(bench.project.tree, async (path, seconds) => {
    if (!/\/(\.git|out)\//.test(path)) await lutimes(path, seconds + 6 * year, seconds + 6 * year)
  })
  tally.addRequired('sources of the future', await bench.judge('first'))
  await bench.use('second')
  tally.addRequired('sources of the future', await bench.judge('second'))

  if (!existsSync(library)) {
    say(`clock: without ${library} (package faketime) builds in other years are left out`)
    return
  }
  for (const date of ['@2001-09-09 01:46:40', '@2061-07-28 12:00:00']) {
    await bench.clear()
    const environment = {
      LD_PRELOAD: library,
      FAKETIME: date,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
    const { code, stderr } = await bench.run('all', { environment })
    if (code !== 0)
      tally.add('built in another year', { verdict: 'unclear error', detail: stderr }, date)
    else tally.addRequired('built in another year', await bench.judge('first'), date)
  }
}

/** Moves the times of all files, and what is noted of them. */
async function shiftTimes(bench: Workbench, seconds: number): Promise<void> {
  await eachFile(bench.project.cache, async (path, time) => {
    await lutimes(path, time + seconds, time + seconds)
  })
  const folder = join(bench.project.tree, 'out/release')
  const logPath = join(folder, '.ninja_log')
  const log = await readFile(logPath, 'utf8').catch(() => undefined)
  if (log === undefined) return
  const shifted = log.replace(
    /^(\d+\t\d+\t)(\d+)\t/gm,
    (_, before, time) => `${before}${BigInt(time) + BigInt(seconds) * 10n ** 9n}\t`,
  )
  await keepTime(logPath, shifted)
  const madePath = join(folder, 'v8-rawmem-made.json')
  const made = await readFile(madePath, 'utf8').catch(() => undefined)
  if (made === undefined) return
  const record = JSON.parse(made)
  record.journals['.ninja_log'] = { sha256: sha256(shifted), size: shifted.length }
  const lines = new Map(shifted.split('\n').map((line) => [line.split('\t')[3], line]))
  for (const [name, file] of Object.entries<{ logged?: string }>(record.files)) {
    if (file.logged !== undefined) file.logged = lines.get(name)!
  }
  await keepTime(madePath, JSON.stringify(record))
  const sourcesPath = join(folder, 'v8-rawmem-sources.json')
  const sources = JSON.parse(await readFile(sourcesPath, 'utf8'))
  await keepTime(sourcesPath, JSON.stringify({ ...sources, at: sources.at + seconds * 1000 }))
}

async function keepTime(path: string, content: string): Promise<void> {
  const { mtimeMs } = await lstat(path)
  await writeFile(path, content)
  await lutimes(path, mtimeMs / 1000, mtimeMs / 1000)
}

async function eachFile(
  folder: string,
  work: (path: string, seconds: number) => Promise<void>,
): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    await work(path, (await lstat(path)).mtimeMs / 1000)
  }
}
