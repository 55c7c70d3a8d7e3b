import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { BuildContext } from '../context.ts'

/** What ninja has seen the library's objects, and what generates some of them, read. */
export interface CompiledFiles {
  /** Folders of third_party, as paths below it. What lies in third_party/v8 are several things. */
  readonly thirdParty: ReadonlySet<string>
  /** Headers from outside the tree. */
  readonly system: ReadonlySet<string>
}

export async function compiledFiles({ cache, pin }: BuildContext): Promise<CompiledFiles> {
  const objects = new Set<string>()
  const thirdParty = new Set<string>()
  const system = new Set<string>()
  const note = (path: string) => {
    const folder = /(?:^|\/)third_party\/((?:v8\/)?[^/]+)\//.exec(path)?.[1]
    if (folder) thirdParty.add(folder)
    else if (path.startsWith('/') && !path.startsWith(`${cache.tree}/`)) system.add(path)
  }
  for await (const line of ninjaTool(cache.buildDirectory, ['inputs', pin.build.target])) {
    if (line.endsWith('.o')) objects.add(line)
    else if (/\.(cc|cpp|c|S)$/.test(line)) note(line)
  }
  let ofLibrary = false
  for await (const line of ninjaTool(cache.buildDirectory, ['deps'])) {
    if (line.startsWith(' ')) {
      if (ofLibrary) note(line.trim())
    } else {
      ofLibrary = objects.has(line.slice(0, line.indexOf(':')))
    }
  }
  return { thirdParty, system }
}

/** Lines of `ninja -t`; there are millions of them for V8, so they are read as they come. */
async function* ninjaTool(folder: string, args: readonly string[]): AsyncGenerator<string> {
  // With -n, it does not write its notes anew, which are recorded as they are.
  const ninja = spawn('ninja', ['-C', folder, '-n', '-t', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(ninja, 'close')
  for await (const line of createInterface({ input: ninja.stdout })) yield line
  const [code] = await closed
  if (code !== 0) throw new Error(`ninja -t ${args.join(' ')} ends with code ${code}`)
}
