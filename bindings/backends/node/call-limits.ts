import type { BackendName } from '../../../types/backend.d.ts'
import type { RunWithLimits } from '../../../types/call-limits.d.ts'

/** For a backend that runs in Node's own V8. */
export function withoutCallLimits(backend: BackendName): RunWithLimits {
  return () => {
    throw new Error(
      `runWithLimits: the backend '${backend}' runs programs in Node's own V8, where they cannot be ended without the JavaScript around them; use the backend 'patched', or the timeout of node:vm, which ends both`,
    )
  }
}
