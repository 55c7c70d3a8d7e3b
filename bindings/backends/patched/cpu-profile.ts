import type { CpuProfileHandle, CpuProfileOptions } from '../../../types/cpu-profile.d.ts'
import { checkInteger, show } from '../../arguments.ts'
import { dispose } from '../../dispose.ts'
import { engine } from './engine.ts'

interface Times {
  startTime: number
  endTime: number
}

/** V8 writes the low 32 bits of both times, so that the end can come out before the beginning. */
function inOrder(profile: string): string {
  const parsed = JSON.parse(profile) as Times
  if (parsed.endTime >= parsed.startTime) return profile
  parsed.endTime += 2 ** 32
  return JSON.stringify(parsed)
}

/** See types/index.d.ts. */
export function startCpuProfile(options: CpuProfileOptions = {}): CpuProfileHandle {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object; got ${show(options)}`)
  }
  const { samplingInterval = 1000 } = options
  const id = engine.cpuProfiler.start(
    checkInteger('samplingInterval', samplingInterval, 50, 1_000_000),
  )
  let profile: string | undefined
  const stop = () => {
    profile ??= inOrder(engine.cpuProfiler.stop(id))
    return profile
  }
  return { stop, [dispose]: stop } as CpuProfileHandle
}
