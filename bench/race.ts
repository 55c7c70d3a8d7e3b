import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Row, Unit } from './results.ts'

/** One way to do something. */
export interface Contender {
  readonly name: string
  readonly note?: string
  /** Does it once. */
  run(): Measurement | Promise<Measurement>
}

export interface Measurement {
  /** What it took, in seconds, of all `operations`. */
  readonly seconds: number
  /** Seconds of the processor in all threads. Default: those that this process took for the run. */
  readonly processor?: number
  /** Default 1. */
  readonly operations?: number
  /** What came out; it must be the same for all contenders. */
  readonly result?: bigint | number
}

/** Something that all contenders do. */
export interface Race {
  readonly suite: string
  readonly case: string
  readonly contenders: readonly Contender[]
  /** Name of the contender that the others are compared with. Default: the first one. */
  readonly baseline?: string
  readonly unit: Unit
  /** Bytes that one run goes through; necessary for GB/s. */
  readonly bytes?: number
}

/** How to run a race. */
export interface Course {
  readonly rounds: number
  readonly signal: AbortSignal
  /** Called before each run. */
  step(what: string): void
}

const perSecond: Record<Exclude<Unit, 'GB/s'>, number> = { s: 1, ms: 1e3, µs: 1e6, ns: 1e9 }

function inUnit({ unit, bytes }: Race, seconds: number, operations = 1): number {
  if (unit === 'GB/s') return bytes! / seconds / 1e9
  return (seconds / operations) * perSecond[unit]
}

/** Five digits, as they are kept: what is computed from kept samples is the same. */
function rounded(value: number): number {
  return Number(value.toPrecision(5))
}

/**
 * Lets every contender run once without counting it, and then `rounds` times: a round after the
 * other, so that what befalls the machine befalls all of them, and each round begins with another
 * contender.
 */
export async function runRace(race: Race, course: Course): Promise<Row[]> {
  const { contenders } = race
  const samples = contenders.map((): number[] => [])
  const ofProcessor = contenders.map((): number[] => [])
  let expected: { by: string; result: bigint | number } | undefined
  for (let round = 0; round <= course.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length
      const contender = contenders[index]!
      const which = round === 0 ? 'warm-up' : `round ${round} of ${course.rounds}`
      course.step(`${contender.name}, ${which}`)
      // Signals are heard between turns of the event loop.
      await nextTurn()
      course.signal.throwIfAborted()
      const before = process.cpuUsage()
      const measured = await contender.run()
      const { result, seconds, operations, processor = secondsSince(before) } = measured
      if (result !== undefined) {
        expected ??= { by: contender.name, result }
        if (!Object.is(expected.result, result)) {
          throw new Error(
            `${race.suite}, ${race.case}: '${contender.name}' gives ${result}, but '${expected.by}' gave ${expected.result}`,
          )
        }
      }
      if (round > 0) {
        samples[index]!.push(rounded(inUnit(race, seconds, operations)))
        ofProcessor[index]!.push(inUnit(race, processor, operations))
      }
    }
  }

  const baseline = race.baseline ?? contenders[0]!.name
  const baselineIndex = contenders.findIndex(({ name }) => name === baseline)
  if (baselineIndex < 0) {
    throw new Error(`${race.suite}, ${race.case}: there is no contender '${baseline}'`)
  }
  return contenders.map(({ name, note }, index) => {
    const own = samples[index]!
    return {
      suite: race.suite,
      case: race.case,
      contender: name,
      unit: race.unit,
      samples: own,
      median: median(own),
      min: Math.min(...own),
      max: Math.max(...own),
      // Its clock may not tick in what is over in a moment.
      ...(ofProcessor[index]!.every((sample) => sample > 0 && Number.isFinite(sample)) && {
        processor: rounded(median(ofProcessor[index]!)),
      }),
      baseline,
      speed: pairedSpeed(race.unit, own, samples[baselineIndex]!),
      ...(race.bytes === undefined ? {} : { bytes: race.bytes }),
      ...(note === undefined ? {} : { note }),
    }
  })
}

/** How many times as fast as `others`: the median of the rounds' ratios. */
export function pairedSpeed(
  unit: Unit,
  samples: readonly number[],
  others: readonly number[],
): number {
  return median(
    samples.map((sample, round) => {
      const other = others[round]!
      return unit === 'GB/s' ? sample / other : other / sample
    }),
  )
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function secondsSince(usage: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(usage)
  return (user + system) / 1e6
}

/** The seconds that `work` takes, and what it returns. */
export function timed<T>(work: () => T): { seconds: number; processor: number; result: T } {
  const usage = process.cpuUsage()
  const start = process.hrtime.bigint()
  const result = work()
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  return { seconds, processor: secondsSince(usage), result }
}

/** The mean of so many runs that are alike. */
export function repeated(passes: number, run: () => Measurement): Measurement {
  const { seconds: all, processor, result: runs } = timed(() => Array.from({ length: passes }, run))
  const seconds = runs.reduce((sum, each) => sum + each.seconds, 0) / passes
  // What lies between the runs is not measured: of the processor's time, they have their share.
  return { ...runs[0]!, seconds, processor: (processor / all) * seconds }
}
