import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../../build-scripts/shared/terminal.ts'
import type { Random } from '../support/random.ts'
import { type Stage, stages } from './stages.ts'
import type { Tally } from './tally.ts'
import type { Build, Series, Workbench } from './workbench.ts'

const manners = ['everything', 'only the parent'] as const

/**
 * Each round kills a build once to three times at random moments, from nothing or on the way from one series to the next,
 * and then runs it to its end.
 */
export async function killBuilds(
  bench: Workbench,
  random: Random,
  rounds: number,
  tally: Tally,
): Promise<void> {
  const struck = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const stage = stages[round % stages.length]!
    const manner = manners[Math.floor(round / stages.length) % manners.length]!
    const incremental = round % (4 * stages.length) >= 2 * stages.length && stage !== 'extract'
    const series: Series = incremental ? 'second' : 'first'
    if (incremental) await bench.restore('first')
    else await bench.clear()
    await bench.use(series)

    const builds: Build[] = stage === 'binding' ? ['all', 'binding'] : ['all']
    if (stage === 'binding') await bench.run('all')
    const strokes: string[] = []
    const times = 1 + random.below(3)
    let next: Stage = stage
    for (let time = 0; time < times; time++) {
      const hit = await strike(bench, builds.at(-1)!, next, manner, random)
      if (!hit) break
      strokes.push(hit)
      const key = `${hit}, ${manner}`
      struck.set(key, (struck.get(key) ?? 0) + 1)
      next = random.pick(stages.slice(stages.indexOf(hit)))
    }
    const what = `round ${round + 1}: ${manner} killed in ${strokes.join(', ') || 'no stage'} (${incremental ? 'incremental' : 'from nothing'})`
    const judgement = await bench.judge(series, builds)
    tally.addRequired(`kill -9, ${manner}`, judgement, what)
    if ((round + 1) % 10 === 0) say(`kill: ${round + 1} of ${rounds} rounds`)
  }
  say('\nWhere kills struck:')
  for (const stage of stages) {
    const counts = manners.map((manner) => `${struck.get(`${stage}, ${manner}`) ?? 0} ${manner}`)
    say(`  ${stage.padEnd(10)} ${counts.join(', ')}`)
  }
}

/** Kills the build at a random moment of a stage. Returns the stage it was in; undefined when it had ended. */
async function strike(
  bench: Workbench,
  build: Build,
  stage: Stage,
  manner: (typeof manners)[number],
  random: Random,
): Promise<Stage | undefined> {
  const run = bench.start(build)
  await run.reaches(stage)
  await sleep(random.next() * (bench.durations.get(stage) ?? 500))
  if (run.over) return undefined
  const { stage: hit } = run
  if (manner === 'everything') await run.killAll()
  else run.killParent()
  await run.ended
  return hit
}
