import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../support/random.ts'
import type { Outcome } from './build-run.ts'
import type { Stage } from './stages.ts'
import type { Tally } from './tally.ts'
import { judge, judgeError } from './verdict.ts'
import type { Workbench } from './workbench.ts'

/** Two builds in one cache: the same, of different patches, and one of them killed. */
export async function buildTogether(bench: Workbench, random: Random, tally: Tally): Promise<void> {
  const both = async (outcomes: readonly Outcome[], series: 'first' | 'second', what: string) => {
    for (const outcome of outcomes) {
      tally.addRequired(what, judge(outcome, bench.expectedSdk(series), await bench.sdk()))
    }
  }

  for (let round = 0; round < 3; round++) {
    await bench.clear()
    const runs = [bench.start('all'), bench.start('all')]
    await both(await Promise.all(runs.map((run) => run.ended)), 'first', 'two builds at once')
  }

  for (const stage of ['extract', 'patch', 'configure', 'compile', 'package'] as Stage[]) {
    await bench.clear()
    const first = bench.start('all')
    await first.reaches('download')
    const second = bench.start('all')
    await first.reaches(stage)
    await sleep(random.next() * (bench.durations.get(stage) ?? 0))
    if (random.next() < 0.5) await first.killAll()
    else first.killParent()
    await both([await second.ended], 'first', 'one killed while the other waits')
  }

  // Whoever comes last decides what lies there; then each makes its own again.
  const other = join(bench.project.root, 'other-project')
  for (let round = 0; round < 2; round++) {
    await bench.clear()
    await rm(other, { recursive: true, force: true })
    await bench.use('second')
    await cp(bench.project.project, other, { recursive: true, verbatimSymlinks: true })
    await bench.use('first')
    const outcomes = await Promise.all([
      bench.start('all').ended,
      bench.start('all', { project: other }).ended,
    ])
    for (const outcome of outcomes) {
      const candidates = (['first', 'second'] as const).map((series) => bench.expectedSdk(series))
      const lies = await bench.sdk()
      const verdicts = candidates.map((candidate) => judge(outcome, candidate, lies))
      tally.addRequired(
        'two series at once',
        verdicts.find(({ verdict }) => verdict === 'correct') ?? verdicts[0]!,
      )
    }
    for (const [project, series] of [
      [bench.project.project, 'first'],
      [other, 'second'],
    ] as const) {
      const outcome = await bench.start('all', { project }).ended
      await both([outcome], series, '… then each alone')
    }
  }
  await rm(other, { recursive: true, force: true })

  await bench.clear()
  const holder = bench.start('all')
  await holder.reaches('download')
  const impatient = await bench.startCommand(['--no-wait', 'fetch']).ended
  tally.add('--no-wait beside a build', judgeError(impatient))
  await both([await holder.ended], 'first', '… and the build')
}
