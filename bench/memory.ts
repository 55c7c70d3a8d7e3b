import { freemem } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes that can be filled now without making the machine short of memory: a tenth is left to others. */
export function roomForData(): number {
  return 0.9 * (process.availableMemory?.() ?? freemem())
}

/** `bytes`, halved until there is room for `times` as many. */
export function fittingSize(bytes: number, times: number, room: number): number {
  let fitting = bytes
  while (fitting * times > room && fitting > 65_536) fitting /= 2
  return fitting
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects what a suite has left behind, so that the next one neither lacks its memory nor pays for it. */
export async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    gc()
    // Finalizers run in turns of their own.
    await nextTurn()
  }
}
