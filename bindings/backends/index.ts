import type * as api from '../../types/backend.d.ts'
import { show } from '../arguments.ts'
import type { BackendDefinition } from './backend.ts'
import { nodeRaw } from './node-raw/index.ts'
import { nodeRewire } from './node-rewire/index.ts'
import { patched } from './patched/index.ts'

/** In order of preference. */
const definitions: readonly BackendDefinition[] = [patched, nodeRaw, nodeRewire]

const variable = 'V8_RAWMEM_BACKEND'

const opened = new Map<api.BackendName, api.Backend>()

function definitionOf(name: unknown, from: string): BackendDefinition {
  const definition = definitions.find((candidate) => candidate.name === name)
  if (definition === undefined) {
    throw new TypeError(
      `${from} must be one of ${definitions
        .map((known) => `'${known.name}'`)
        .join(', ')}; got ${show(name)}`,
    )
  }
  return definition
}

function open(definition: BackendDefinition, from: string): api.Backend {
  const { name } = definition
  let backend = opened.get(name)
  if (backend === undefined) {
    const { available, reason } = definition.status()
    if (!available) {
      const others = backends()
        .filter((status) => status.available)
        .map((status) => `'${status.name}'`)
      throw new Error(
        `${from}: the backend '${name}' is not available: ${reason}; available: ${others.join(', ') || 'none'}`,
      )
    }
    backend = Object.freeze(definition.open())
    opened.set(name, backend)
  }
  return backend
}

/** The backend behind the package's plain exports. */
function openDefault(): api.Backend {
  const chosen = process.env[variable]
  if (chosen) return open(definitionOf(chosen, variable), variable)
  const definition = definitions.find((candidate) => candidate.status().available)
  if (definition === undefined) {
    const reasons = definitions.map(({ name, status }) => `\n  ${name}: ${status().reason}`)
    throw new Error(`v8-rawmem: no backend is available:${reasons.join('')}`)
  }
  return open(definition, 'v8-rawmem')
}

/** See types/index.d.ts. */
export function openBackend(name?: api.BackendName): api.Backend {
  return name === undefined ? openDefault() : open(definitionOf(name, 'name'), 'openBackend')
}

/** See types/index.d.ts. */
export function backends(): api.BackendStatus[] {
  return definitions.map((definition) => definition.status())
}
