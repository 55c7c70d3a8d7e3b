// Loads the addons in the given folder, and writes the reason of a failure to file descriptor 3.

import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { tryToLoad } from '../../bindings/addon/load-addon.ts'
import { diagnose, type Failure } from '../../bindings/addon/load-error.ts'
import { engineAddon, nodeAddon } from '../../bindings/addon/platform.ts'

const failures = [engineAddon, nodeAddon]
  .map((name) => tryToLoad(join(process.argv[2]!, name)))
  .filter((loaded): loaded is Failure => 'reason' in loaded)
writeSync(3, JSON.stringify({ diagnosis: failures.length > 0 ? diagnose(failures) : undefined }))
