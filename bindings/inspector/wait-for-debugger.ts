import type { BackendName } from '../../types/backend.d.ts'
import { show } from '../arguments.ts'
import { serverAddress } from './server.ts'

/** The option of that name of `runOnWorker`. */
export function readWaitForDebugger(value: unknown = false, backend: BackendName): boolean {
  if (typeof value !== 'boolean') {
    throw new TypeError(`waitForDebugger must be a boolean; got ${show(value)}`)
  }
  if (value && backend !== 'patched') {
    throw new TypeError(`waitForDebugger is for the backend 'patched', and this is '${backend}'`)
  }
  if (value && serverAddress() === '') {
    throw new TypeError('waitForDebugger: the inspector is not open; call inspector.open() first')
  }
  return value
}
