import type * as api from '../../types/backend.d.ts'

/** A backend in the registry of index.ts. */
export interface BackendDefinition {
  readonly name: api.BackendName
  /** Whether it works here. Never throws, and changes nothing for other backends or Node. */
  status(): api.BackendStatus
  /** Called once, if the backend is available. */
  open(): api.Backend
}

export function available(name: api.BackendName, reason: string): api.BackendStatus {
  return Object.freeze({ name, available: true, reason })
}

export function unavailable(name: api.BackendName, reason: string): api.BackendStatus {
  return Object.freeze({ name, available: false, reason })
}
