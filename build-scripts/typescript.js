// For `node --import ./build-scripts/typescript.js`, which runs TypeScript. Threads that inherit Node's arguments get it too.

import * as module from 'node:module'
import { load } from './typescript-hook.js'

process.setSourceMapsEnabled(true)
// Before Node 22.15, hooks have a thread of their own, which loads the file.
if (module.registerHooks === undefined) {
  module.register('./typescript-hook.js', import.meta.url)
} else {
  module.registerHooks({ load })
}
