import { $ } from 'zx'

// gclient's own reader: DEPS is a program in a part of Python.
const reader = `
import json, sys
sys.path.insert(0, sys.argv[1])
import gclient_eval
with open(sys.argv[2]) as file:
  scope = gclient_eval.Parse(file.read(), sys.argv[2])
json.dump({name: dep['url'] for name, dep in scope['deps'].items() if dep['dep_type'] == 'git'}, sys.stdout)
`

/** The git dependencies that a DEPS file names, as `url@revision` by their names. */
export async function readDependencies(
  depotTools: string,
  path: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const read = await $({ quiet: true, signal })`python3 -B -c ${reader} ${depotTools} ${path}`
  return JSON.parse(read.stdout)
}
