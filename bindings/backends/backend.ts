import type * as api from '../../types/backend.d.ts'

/** What the registry in index.ts knows of a backend. */
export interface BackendDefinition {
  readonly name: api.BackendName
  /** Whether it can be used. Never throws, and changes nothing that other backends, or Node, could notice. */
  status(): api.BackendStatus
  /** Called once, and only if it is available. */
  open(): api.Backend
}

export function available(name: api.BackendName, reason: string): api.BackendStatus {
  return Object.freeze({ name, available: true, reason })
}

export function unavailable(name: api.BackendName, reason: string): api.BackendStatus {
  return Object.freeze({ name, available: false, reason })
}
