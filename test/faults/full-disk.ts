import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../support/random.ts'
import { type Mount, mountDisk } from './mounts.ts'
import { stages } from './stages.ts'
import type { Tally } from './tally.ts'
import { judgeError } from './verdict.ts'
import type { Workbench } from './workbench.ts'

// The build asks for gigabytes of free space before it begins with a stage of V8's size.
const ample = '16g'

/** Disks that are too small from the beginning, and disks that fill up within each stage; then there is room again. */
export async function fillDisks(bench: Workbench, random: Random, tally: Tally): Promise<void> {
  for (const size of ['100k', '1m', '6m', '2g']) {
    await onDisk(bench, size, async (disk) => {
      await tooFull(bench, tally, `a disk of ${size}`, () => bench.run('all'))
      await roomAgain(bench, disk, tally, `a disk of ${size}`)
    })
  }
  for (const stage of stages) {
    if (stage === 'binding') continue
    for (let round = 0; round < 2; round++) {
      await onDisk(bench, ample, async (disk) => {
        let struck = ''
        await tooFull(bench, tally, `full in ${stage}`, async () => {
          const run = bench.start('all')
          await run.reaches(stage)
          await sleep(random.next() * (bench.durations.get(stage) ?? 0) * 0.5)
          if (!run.over) await fill(bench, disk, random)
          const outcome = await run.ended
          struck = run.stage ?? ''
          return outcome
        })
        await roomAgain(bench, disk, tally, `full in ${struck}`)
      })
    }
  }
}

async function onDisk(
  bench: Workbench,
  size: string,
  work: (disk: Mount) => Promise<void>,
): Promise<void> {
  await bench.clear()
  const disk = await mountDisk(bench.project.cache, size)
  try {
    await work(disk)
  } finally {
    await disk.unmount()
  }
}

/** A build that has no room; it may have been over before the disk was full. */
async function tooFull(
  bench: Workbench,
  tally: Tally,
  what: string,
  build: () => ReturnType<Workbench['run']>,
): Promise<void> {
  const outcome = await build()
  bench.signal.throwIfAborted()
  if (outcome.code === 0) return
  const judgement = judgeError(outcome)
  const says = /disk is full|disk space/i.test(outcome.stderr)
  tally.add(
    'full disk',
    says || judgement.verdict !== 'clear error'
      ? judgement
      : { verdict: 'unclear error', detail: `says nothing of the disk: ${judgement.detail}` },
    what,
  )
}

async function roomAgain(bench: Workbench, disk: Mount, tally: Tally, what: string): Promise<void> {
  await disk.remount(`size=${ample}`)
  tally.addRequired('… then room again', await bench.judge('first'), `${what}, then room again`)
}

/** Takes the room away that is left, or all but a little of it. */
async function fill(bench: Workbench, disk: Mount, random: Random): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const size = (await used(bench)) + random.below(3) * 8192
    // A disk cannot be made smaller than what is on it, and the build goes on writing.
    if (
      await disk.remount(`size=${size}`).then(
        () => true,
        () => false,
      )
    )
      return
  }
  throw new Error('the build writes faster than the disk can be made smaller')
}

async function used({ project }: Workbench): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(project.cache)
  return (blocks - bfree) * bsize
}
