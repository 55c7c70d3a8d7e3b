// What a package manager runs once this package is unpacked.

import { existsSync } from 'node:fs'
import { CommandError } from '../command/command-error.ts'
import { install } from './install.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => stop.abort(new CommandError('stopped', '')))
}

// It runs in this package, but what V8_RAWMEM_MIRROR names is named from where the package manager was started.
const { INIT_CWD } = process.env
if (INIT_CWD && existsSync(INIT_CWD)) process.chdir(INIT_CWD)

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
      ? `v8-rawmem: ${message?.replace(/\.?$/, '.')} ${advice}\n  To install without the binding: --ignore-scripts; "npx v8-rawmem install" fetches it later.`
      : `v8-rawmem: ${stack}`,
  )
  process.exitCode = 1
}
