// The install script that a package manager runs.

import { fetchCommand } from '../../bindings/addon/load-error.ts'
import { CommandError } from '../command-error.ts'
import { install } from './install.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => stop.abort(new CommandError('stopped', '')))
}

// The script runs in the package, but V8_RAWMEM_MIRROR is relative to the user's folder.
try {
  process.chdir(process.env.INIT_CWD || '.')
} catch {
  // Missing or unreadable; absolute paths and URLs do not need it.
}

try {
  await install({
    mirror: process.env.V8_RAWMEM_MIRROR,
    force: false,
    say: (line) => console.log(`v8-rawmem: ${line}`),
    signal: stop.signal,
  })
} catch (error) {
  const { message, advice, stack } = error as Partial<CommandError>
  console.error(
    error instanceof CommandError
      ? `v8-rawmem: ${message?.replace(/\.?$/, '.')} ${advice}\n  To install without the binding: --ignore-scripts; "${fetchCommand}" fetches it later.`
      : `v8-rawmem: ${stack}`,
  )
  process.exitCode = 1
}
