import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { say } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { Random } from '../support/random.ts'
import type { Tally } from './tally.ts'
import type { Build, Workbench } from './workbench.ts'

/** What is done to a file, and whether its time tells of it. */
interface Damage {
  readonly kind: 'a bit flipped' | 'cut short'
  readonly time: 'time as before' | 'time of now'
}

const usual: readonly Damage[] = [
  { kind: 'a bit flipped', time: 'time as before' },
  { kind: 'cut short', time: 'time of now' },
]
const further: readonly Damage[] = [
  { kind: 'a bit flipped', time: 'time of now' },
  { kind: 'cut short', time: 'time as before' },
]

/**
 * Damages every file of the cache in turn, and what builds of the addons leave. Each time the same build runs again, and
 * then one with another patch, which uses what the first one had not to look at.
 */
export async function damageFiles(
  bench: Workbench,
  random: Random,
  { thorough, only }: { thorough: boolean; only?: string | undefined },
  tally: Tally,
): Promise<void> {
  await bench.restore('first')
  const { cache, project } = bench.project
  const files = [
    ...(await listFiles(cache, cache)),
    ...(await listFiles(project, join(project, 'prebuilds'))),
    ...(await listFiles(project, join(project, 'bindings/native/patched/build'))),
    ...(await listFiles(project, join(project, 'bindings/native/node/build'))),
  ].filter((path) => only === undefined || path.includes(only))
  if (files.length === 0) {
    throw new AdvisedError(
      `No file that can be damaged has "${only}" in its path.`,
      'Paths are those in the cache, such as "sdk/" or "out/release", and those of prebuilds and bindings/native/*/build.',
    )
  }
  const damages = thorough ? [...usual, ...further] : usual
  let done = 0
  for (const file of files) {
    for (const damage of damages) {
      await damageOne(bench, random, file, damage, tally)
    }
    done++
    if (done % 10 === 0) say(`damage: ${done} of ${files.length} files`)
  }
  say(`damage: ${files.length} files, ${files.length * damages.length} damages`)
}

async function damageOne(
  bench: Workbench,
  random: Random,
  file: string,
  damage: Damage,
  tally: Tally,
): Promise<void> {
  await bench.restore('first')
  const tree = bench.project.tree
  // A copy has other inode numbers, which would have git look into every file, and so see more than it does in life.
  await promisify(execFile)('git', ['-C', tree, 'update-index', '--refresh'])
  const path = file.startsWith('/') ? file : join(bench.project.cache, file)
  // Git goes by whole seconds, and in life a file is not damaged in the second in which it was written.
  if (path.startsWith(tree) && !/\/(\.git|out)\//.test(path)) await sleep(1000)
  await inflict(path, damage, random)
  const builds: Build[] = /node-headers|\/sdk\/|prebuilds|bindings/.test(path)
    ? ['all', 'binding']
    : ['all']
  const what = `${damage.kind}, ${damage.time}: ${file.replace(/\/objects\/../, '/objects/')}`
  tally.add(`${damage.kind}, ${damage.time}`, await bench.judge('first', builds), what)
  await bench.use('second')
  tally.add(
    '… then another patch',
    await bench.judge('second', builds),
    `${what}, then another patch`,
  )
}

async function inflict(path: string, { kind, time }: Damage, random: Random): Promise<void> {
  const { atime, mtime } = await exactTimes(path)
  const bytes = await readFile(path)
  if (kind === 'cut short' && bytes.length > 0) {
    await writeFile(path, bytes.subarray(0, random.below(bytes.length)))
  } else if (bytes.length > 0) {
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    await writeFile(path, bytes)
  } else {
    await writeFile(path, 'x')
  }
  if (time === 'time as before') await promisify(execFile)('touch', ['-a', `--date=${atime}`, path])
  if (time === 'time as before') await promisify(execFile)('touch', ['-m', `--date=${mtime}`, path])
}

/** As `touch` takes them, to the nanosecond. */
async function exactTimes(path: string): Promise<{ atime: string; mtime: string }> {
  const { stdout } = await promisify(execFile)('stat', ['--format=%x\n%y', path])
  const [atime, mtime] = stdout.split('\n')
  return { atime: atime!, mtime: mtime! }
}

/** Files as paths in the cache, or, outside of it, whole. */
async function listFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name))
  return paths.sort().map((path) => (root === folder ? path.slice(root.length + 1) : path))
}
