// For `node --import ./build-scripts/typescript.js`: TypeScript by tsx, and what is large and needs no tsx as it is.

import 'tsx'
import * as module from 'node:module'
import { load } from './generated-packages.js'

// Hooks that are registered later are asked first. Before Node 22.15 they have a thread of their own, which loads the file.
if (module.registerHooks === undefined) {
  module.register('./generated-packages.js', import.meta.url)
} else {
  module.registerHooks({ load })
}
