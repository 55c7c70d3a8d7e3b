import { readFileSync } from 'node:fs'

/** Compilers that are 14 MB of generated JavaScript each. tsx rewrites that at every start, which takes seconds. */
const generated = /\/node_modules\/(?:assemblyscript|binaryen)\/.*\.js$/

/** Hook of Node's module loader: reads the files of those packages as they are. */
export function load(url, context, nextLoad) {
  if (!generated.test(url)) return nextLoad(url, context)
  return { format: 'module', source: readFileSync(new URL(url), 'utf8'), shortCircuit: true }
}
