// What a package manager runs once this package is unpacked.

import { fetchCommand } from '../../bindings/addon/load-error.ts'
import { AdvisedError, inOneLine } from '../../terminal/advised-error.ts'
import { runCommand, stackOf } from '../../terminal/run-command.ts'
import { install } from './install.ts'

// It runs in this package, but what V8_RAWMEM_MIRROR names is named from where the package manager was started.
try {
  process.chdir(process.env.INIT_CWD || '.')
} catch {
  // It is gone, or of somebody else: whole paths and URLs do without it.
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
