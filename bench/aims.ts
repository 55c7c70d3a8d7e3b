import { availableParallelism } from 'node:os'
import * as names from './contenders.ts'
import { pairedSpeed } from './race.ts'
import type { Aim, Row } from './results.ts'
import { hostWindowsSuite, inMemory0, inWindow } from './suites/host-windows.ts'
import { allThreads, oneThread, parallelSuite } from './suites/parallel.ts'
import { scanSuite } from './suites/scan.ts'
import { tpchSuite } from './suites/tpch.ts'
import { copySwitch, feederSwitch, windowSwitchSuite } from './suites/window-switch.ts'

/** An aim says how the patched V8 should stand against another contender, in every case that it is about. */
interface Definition {
  readonly aim: string
  readonly target: number
  readonly suite: string
  readonly contender: string
  readonly against: string
  concerns(name: string): boolean
}

const definitions: readonly Definition[] = [
  {
    aim: 'SIMD: at least 0.9 times as fast as native C++',
    target: 0.9,
    suite: scanSuite.name,
    contender: names.patched,
    against: names.native,
    concerns: (name) => name.endsWith('SIMD'),
  },
  {
    aim: 'SIMD: at least 0.9 times as fast as native C++',
    target: 0.9,
    suite: tpchSuite.name,
    contender: names.patched,
    against: names.native,
    concerns: (name) => name === 'Q6',
  },
  {
    aim: 'SIMD: at least 0.9 times as fast as native C++ with -march=native',
    target: 0.9,
    suite: scanSuite.name,
    contender: names.patched,
    against: names.nativeWide,
    concerns: () => true,
  },
  {
    aim: 'SIMD: at least 0.9 times as fast as native C++ with -march=native',
    target: 0.9,
    suite: tpchSuite.name,
    contender: names.patched,
    against: names.nativeWide,
    concerns: () => true,
  },
  {
    aim: 'scalar: at least 0.75 times as fast as native C++',
    target: 0.75,
    suite: scanSuite.name,
    contender: names.patched,
    against: names.native,
    concerns: (name) => name.endsWith('scalar'),
  },
  {
    aim: 'scalar, a load per value: at least 0.75 times as fast as native C++',
    target: 0.75,
    suite: scanSuite.name,
    contender: names.patchedPlain,
    against: names.native,
    concerns: () => true,
  },
  {
    aim: 'at least 1.5 times as fast as copying windows of the same size',
    target: 1.5,
    suite: scanSuite.name,
    contender: names.patched,
    against: names.copied,
    concerns: () => true,
  },
  {
    aim: 'at least 1.5 times as fast as copying windows of the same size',
    target: 1.5,
    suite: tpchSuite.name,
    contender: names.patched,
    against: names.copied,
    concerns: (name) => name === 'Q6',
  },
  {
    aim: 'window switch: at least 1,000 times as fast as memcpy of the window',
    target: 1000,
    suite: windowSwitchSuite.name,
    contender: feederSwitch,
    against: copySwitch,
    concerns: () => true,
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
function windowAim(target: number, loop: string): Definition {
  return {
    aim: `host window, ${loop}: at least ${target} times as fast as memory 0`,
    target,
    suite: hostWindowsSuite.name,
    contender: inWindow,
    against: inMemory0,
    concerns: (name) => name.endsWith(loop),
  }
}

/** What came of the aims that these rows tell of. */
export function aimsOf(rows: readonly Row[]): Aim[] {
  return definitions.flatMap((definition) => {
    const { aim, target, suite, contender, against } = definition
    const find = (name: string, row: Row) =>
      row.suite === suite && row.contender === name && definition.concerns(row.case)
    return rows
      .filter((row) => find(contender, row))
      .flatMap((row): Aim[] => {
        const other = rows.find((it) => find(against, it) && it.case === row.case)
        if (other === undefined) return []
        const measured = pairedSpeed(row.unit, row.samples, other.samples)
        return [{ aim, suite, case: row.case, target, measured, met: measured >= target }]
      })
  })
}
