import { type BackendDefinition, unavailable } from './backend.ts'

const name = 'node-raw'

/** Node's own V8, whose notion of where a memory lies is overwritten. */
export const nodeRaw: BackendDefinition = {
  name,
  status: () => unavailable(name, 'this build does not have it'),
  open: () => {
    throw new Error('unreachable: not available')
  },
}
