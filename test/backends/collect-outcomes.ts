import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BackendName } from 'v8-rawmem'
import { typescript } from '../support/typescript.ts'
import type { Outcome } from './conformance.ts'

const run = promisify(execFile)
const here = dirname(fileURLToPath(import.meta.url))

export const backendNames: readonly BackendName[] = ['patched', 'node-raw', 'node-rewire']

/** By backend, then feature. */
export type Outcomes = Record<BackendName, Record<string, Outcome>>

/** What the backends do under a Node executable; each is tried in a process of its own. */
export async function collectOutcomes(node: string, signal?: AbortSignal): Promise<Outcomes> {
  const result: Partial<Outcomes> = {}
  for (const name of backendNames) {
    const { stdout } = await run(node, [...typescript, `${here}/outcomes.ts`, name], {
      cwd: dirname(dirname(here)),
      env: { ...process.env, NODE_OPTIONS: '' },
      signal,
    })
    result[name] = JSON.parse(stdout)
  }
  return result as Outcomes
}
