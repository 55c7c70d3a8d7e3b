import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { BuildContext } from '../context.ts'
import { gitIn } from '../git.ts'

/**
 * The licence files, as paths in the V8 tree, of V8 and of everything from third_party that is compiled into the
 * library or whose headers are.
 */
export async function licenceFiles(context: BuildContext): Promise<string[]> {
  const components = await compiledComponents(context)
  const listed = await gitIn(context.cache.tree, context.signal)`git ls-files -z`
  const licence = /(^|\/)(LICEN[CS]E|COPYING|NOTICE)([.-][^/]*)?$/
  return listed.stdout
    .split('\0')
    .filter((path) => licence.test(path))
    .filter((path) => {
      const component = /^third_party\/([^/]+)\//.exec(path)?.[1]
      return component === undefined ? !path.includes('/') : components.has(component)
    })
    .sort()
}

/** The folders of third_party that ninja has seen the library's objects read from. */
async function compiledComponents({ cache, pin }: BuildContext): Promise<Set<string>> {
  const objects = new Set<string>()
  const components = new Set<string>()
  const note = (path: string) => {
    const component = /(?:^|\/)third_party\/([^/]+)\//.exec(path)?.[1]
    if (component) components.add(component)
  }
  for await (const line of ninjaTool(cache.buildDirectory, ['inputs', pin.build.target])) {
    if (line.endsWith('.o')) objects.add(line)
    else if (/\.(cc|cpp|c|S)$/.test(line)) note(line)
  }
  let ofLibrary = false
  for await (const line of ninjaTool(cache.buildDirectory, ['deps'])) {
    if (line.startsWith(' ')) {
      if (ofLibrary) note(line)
    } else {
      ofLibrary = objects.has(line.slice(0, line.indexOf(':')))
    }
  }
  return components
}

/** Lines of `ninja -t`; there are millions of them for V8, so they are read as they come. */
async function* ninjaTool(folder: string, args: readonly string[]): AsyncGenerator<string> {
  const ninja = spawn('ninja', ['-C', folder, '-t', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(ninja, 'close')
  for await (const line of createInterface({ input: ninja.stdout })) yield line
  const [code] = await closed
  if (code !== 0) throw new Error(`ninja -t ${args.join(' ')} ends with code ${code}`)
}
