import type * as api from '../../../types/backend.d.ts'
import type { HostWindowsConstructor } from '../../../types/host-windows.d.ts'

/** For backends that have no host windows: says so instead. */
export function withoutWindows(
  name: api.BackendName,
): Pick<api.Backend, 'HostWindows' | 'setWasmInstanceWindow'> {
  const refuse = () => {
    throw new Error(
      `the backend '${name}' has no host windows: Node's V8 gives a memory one start and one size; use the backend 'patched'`,
    )
  }
  return {
    HostWindows: class HostWindows {
      constructor() {
        refuse()
      }
    } as unknown as HostWindowsConstructor,
    setWasmInstanceWindow: refuse,
  }
}
