// The install script that a package manager runs.

import { fetchCommand } from '../../bindings/addon/load-error.ts'
import { AdvisedError, inOneLine } from '../../terminal/advised-error.ts'
import { runCommand, stackOf } from '../../terminal/run-command.ts'
import { install } from './install.ts'

// The script runs in the package, but V8_RAWMEM_MIRROR is relative to the user's folder.
try {
  process.chdir(process.env.INIT_CWD || '.')
} catch {
  // Missing or unreadable; absolute paths and URLs do not need it.
}

await runCommand(
  (signal) =>
    install({
      mirror: process.env.V8_RAWMEM_MIRROR,
      force: false,
      say: (line) => console.log(`v8-rawmem: ${line}`),
      signal,
    }),
  (error) =>
    error instanceof AdvisedError
      ? `v8-rawmem: ${inOneLine(error)}\n  To install without the binding: --ignore-scripts; "${fetchCommand}" fetches it later.`
      : `v8-rawmem: ${stackOf(error)}`,
)
