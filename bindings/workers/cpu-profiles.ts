import type { BackendName } from '../../types/backend.d.ts'
import { show } from '../arguments.ts'

/** Gets the profile of each thread, as JSON. */
export type OnCpuProfile = (profile: string, thread: number) => void

export function readOnCpuProfile(value: unknown, backend: BackendName): OnCpuProfile | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'function') {
    throw new TypeError(`onCpuProfile must be a function; got ${show(value)}`)
  }
  if (backend !== 'patched') {
    throw new TypeError(
      `onCpuProfile is for the backend 'patched', and this is '${backend}'; Node's own profiler, node --cpu-prof, shows what runs there`,
    )
  }
  return value as OnCpuProfile
}
