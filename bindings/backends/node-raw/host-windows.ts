import type * as api from '../../../types/backend.d.ts'
import type { HostWindowsConstructor } from '../../../types/host-windows.d.ts'

function refuse(): never {
  throw new Error(
    "the backend 'node-raw' has no host windows: Node's V8 gives a memory one start and one size; use the backend 'patched'",
  )
}

/** What says that there are no host windows. */
export const withoutWindows: Pick<api.Backend, 'HostWindows' | 'setWasmInstanceWindow'> = {
  HostWindows: class HostWindows {
    constructor() {
      refuse()
    }
  } as unknown as HostWindowsConstructor,
  setWasmInstanceWindow: refuse,
}
