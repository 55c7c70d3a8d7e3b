import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { RegionBinding } from '../region.ts'
import type { NodeBackendsBinding } from './binding.ts'
import type { Failure } from './load-error.ts'

/** What both addons export: the one with V8 inside, and the small one for the backends on Node's own V8. */
export interface Binding {
  readonly region: RegionBinding
  readonly nodeBackends: NodeBackendsBinding
}

export function tryToLoad(path: string): Binding | Failure {
  if (!existsSync(path)) return { reason: `there is no prebuilt binding ${path}` }
  try {
    return createRequire(import.meta.url)(path) as Binding
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    return { reason: `the binding ${path} cannot be loaded: ${message}`, cause }
  }
}
