import { availableParallelism } from 'node:os'
import * as names from './contenders.ts'
import { pairedSpeed } from './race.ts'
import type { Aim, Row, Unit } from './results.ts'
import {
  callsSuite,
  exportCalled,
  exportCalledWithBigInts,
  importCalled,
  importCalledWithBigInts,
} from './suites/calls.ts'
import { coldStartSuite, firstInstance } from './suites/cold-start.ts'
import { flagsSuite, unchecked } from './suites/flags.ts'
import { hostWindowsSuite, inMemory0, inWindow } from './suites/host-windows.ts'
import { allThreads, oneThread, parallelSuite } from './suites/parallel.ts'
import { eightSums, inCache, scanSuite } from './suites/scan.ts'
import { tpchSuite } from './suites/tpch.ts'
import {
  attachSwitch,
  copySwitch,
  feederSwitch,
  windowSwitchSuite,
} from './suites/window-switch.ts'

/** How the patched V8 should stand in every case that this is about. */
interface Definition {
  readonly aim: string
  readonly target: number
  readonly suite: string
  readonly contender: string
  concerns(name: string): boolean
}

/** At least so many times as fast as another contender. */
interface Ratio extends Definition {
  readonly against: string
}

/** At most so much. */
interface Limit extends Definition {
  readonly unit: Unit
}

const all = () => true
const fromMemory = (name: string) => !name.endsWith(inCache)

const ratios: readonly Ratio[] = [
  ...[names.native, names.nativeWide].map((against) => ({
    aim: `from memory: at least 0.9 times as fast as ${against}`,
    target: 0.9,
    suite: scanSuite.name,
    contender: names.patched,
    against,
    concerns: fromMemory,
  })),
  {
    aim: `from memory, a load per value: at least 0.9 times as fast as ${names.native}`,
    target: 0.9,
    suite: scanSuite.name,
    contender: names.patchedPlain,
    against: names.native,
    concerns: fromMemory,
  },
  ...[names.native, names.nativeWide].map((against) => ({
    aim: `from memory: at least 0.9 times as fast as ${against}`,
    target: 0.9,
    suite: tpchSuite.name,
    contender: names.patched,
    against,
    concerns: (name: string) => name === 'Q6',
  })),
  {
    aim: `8 sums in cache: at least 0.8 times as fast as ${names.native}`,
    target: 0.8,
    suite: scanSuite.name,
    contender: names.patched,
    against: names.native,
    concerns: (name) => name.startsWith(eightSums) && name.endsWith(inCache),
  },
  {
    aim: 'bounds checks: at least 0.95 times as fast as without',
    target: 0.95,
    suite: flagsSuite.name,
    contender: names.patched,
    against: unchecked,
    concerns: (name) => name === 'i32, scalar',
  },
  ...[scanSuite, tpchSuite].map(({ name: suite }) => ({
    aim: 'at least 1.5 times as fast as copying windows of the same size',
    target: 1.5,
    suite,
    contender: names.patched,
    against: names.copied,
    concerns: (name: string) => fromMemory(name) && name !== 'Q1',
  })),
  {
    aim: 'window switch: at least 1,000 times as fast as memcpy of the window',
    target: 1000,
    suite: windowSwitchSuite.name,
    contender: feederSwitch,
    against: copySwitch,
    concerns: all,
  },
  {
    aim: 'queries bound by computation: at least 1.9 times as fast on two cores as on one',
    target: 1.9,
    suite: parallelSuite.name,
    contender: allThreads,
    against: oneThread,
    concerns: () => availableParallelism() === 2,
  },
  windowAim(0.85, '8 loads, from memory'),
  windowAim(0.6, '8 loads, in cache'),
  windowAim(0.7, '1 load, from memory'),
  windowAim(0.5, '1 load, in cache'),
]

/** What the addresses of host windows may cost. */
function windowAim(target: number, loop: string): Ratio {
  return {
    aim: `host window, ${loop}: at least ${target} times as fast as memory 0`,
    target,
    suite: hostWindowsSuite.name,
    contender: inWindow,
    against: inMemory0,
    concerns: (name) => name.endsWith(loop),
  }
}

const limits: readonly Limit[] = [
  ...[
    ['a call of an export: at most 100 ns', 100, exportCalled],
    ['a call of an export with BigInts: at most 150 ns', 150, exportCalledWithBigInts],
    ['a call of an import: at most 80 ns', 80, importCalled],
    ['a call of an import with BigInts: at most 150 ns', 150, importCalledWithBigInts],
  ].map(([aim, target, name]) => ({
    aim: aim as string,
    target: target as number,
    unit: 'ns' as const,
    suite: callsSuite.name,
    contender: names.patched,
    concerns: (it: string) => it === name,
  })),
  {
    aim: 'a window switch from JavaScript: at most 300 ns',
    target: 300,
    unit: 'ns',
    suite: windowSwitchSuite.name,
    contender: attachSwitch,
    concerns: all,
  },
  ...[
    ['first result: at most 200 µs', 0.2, names.patched],
    ['first result with the code cache: at most 100 µs', 0.1, names.patchedCached],
  ].map(([aim, target, contender]) => ({
    aim: aim as string,
    target: target as number,
    unit: 'ms' as const,
    suite: coldStartSuite.name,
    contender: contender as string,
    concerns: (name: string) => name === 'over 512 KiB',
  })),
  {
    aim: 'from import to the first instance: at most 30 ms',
    target: 30,
    unit: 'ms',
    suite: coldStartSuite.name,
    contender: names.patched,
    concerns: (name) => name === firstInstance,
  },
]

/** What came of the aims that these rows tell of. */
export function aimsOf(rows: readonly Row[]): Aim[] {
  const concerned = ({ suite, contender, concerns }: Definition) =>
    rows.filter((row) => row.suite === suite && row.contender === contender && concerns(row.case))
  return [
    ...ratios.flatMap((definition) => {
      const { aim, target, suite, against } = definition
      return concerned(definition).flatMap((row): Aim[] => {
        const other = rows.find(
          (it) => it.suite === suite && it.contender === against && it.case === row.case,
        )
        if (other === undefined) return []
        const measured = pairedSpeed(row.unit, row.samples, other.samples)
        return [{ aim, suite, case: row.case, target, measured, met: measured >= target }]
      })
    }),
    ...limits.flatMap((definition) => {
      const { aim, target, unit, suite } = definition
      return concerned(definition).map(({ case: name, median: measured }): Aim => {
        return { aim, suite, case: name, target, unit, measured, met: measured <= target }
      })
    }),
  ]
}
