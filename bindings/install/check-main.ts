// Loads the addons in the folder that is named and prints what stands in their way.

import { join } from 'node:path'
import { tryToLoad } from '../load-addon.ts'
import { diagnose, type Failure } from '../load-error.ts'
import { engineAddon, nodeAddon } from '../platform.ts'

const failures = [engineAddon, nodeAddon]
  .map((name) => tryToLoad(join(process.argv[2]!, name)))
  .filter((loaded): loaded is Failure => 'reason' in loaded)
console.log(JSON.stringify({ diagnosis: failures.length > 0 ? diagnose(failures) : undefined }))
