// What a package manager runs once this package is unpacked.

import { fetchCommand } from '../../bindings/addon/load-error.ts'
import { CommandError } from '../command-error.ts'
import { install } from './install.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => stop.abort(new CommandError('stopped', '')))
}

// It runs in this package, but what V8_RAWMEM_MIRROR names is named from where the package manager was started.
try {
  process.chdir(process.env.INIT_CWD || '.')
} catch {
  // It is gone, or of somebody else: whole paths and URLs do without it.
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
