import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Binding } from './binding.ts'
import type { Failure } from './load-error.ts'

export function tryToLoad(path: string): Binding | Failure {
  if (!existsSync(path)) return { reason: `there is no prebuilt binding ${path}` }
  try {
    return createRequire(import.meta.url)(path) as Binding
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    return { reason: `the binding ${path} cannot be loaded: ${message}`, cause }
  }
}
