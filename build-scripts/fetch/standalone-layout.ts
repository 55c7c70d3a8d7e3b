import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'

/**
 * Turns the folders of a Chromium tree into what a checkout of V8 alone looks like: `v8` is the root, the others lie
 * under it at the paths they have in Chromium. Where V8 has a file of its own, V8's stays.
 *
 * @returns the root of the V8 tree
 */
export async function makeStandalone(
  chromium: string,
  folders: readonly string[],
): Promise<string> {
  const v8 = join(chromium, 'v8')
  for (const folder of folders) {
    if (folder !== 'v8') await merge(join(chromium, folder), join(v8, folder))
  }
  const arguments_ = gclientArguments(await readFile(join(v8, 'DEPS'), 'utf8'))
  if (arguments_) {
    await mkdir(join(v8, 'build', 'config'), { recursive: true })
    await writeFile(join(v8, arguments_.file), arguments_.content)
  }
  return v8
}

async function merge(from: string, to: string): Promise<void> {
  const target = await stat(to).catch(() => undefined)
  if (!target) {
    await mkdir(join(to, '..'), { recursive: true })
    await rename(from, to)
    return
  }
  const source = await stat(from)
  if (!source.isDirectory() || !target.isDirectory()) return
  for (const name of await readdir(from)) await merge(join(from, name), join(to, name))
}

/**
 * The file of GN variables that gclient generates from DEPS. The Chromium archive has Chromium's; the build files
 * under V8's root need what gclient would have written for V8.
 */
function gclientArguments(deps: string): { file: string; content: string } | undefined {
  const file = /^gclient_gn_args_file\s*=\s*'([^']+)'/m.exec(deps)?.[1]
  if (!file) return undefined
  const list = /^gclient_gn_args\s*=\s*\[([^\]]*)\]/m.exec(deps)?.[1] ?? ''
  const names = [...list.matchAll(/'([^']+)'/g)].map((match) => match[1]!)
  const lines = names.map((name) => `${name} = ${gnValue(deps, name)}`)
  return { file, content: ["# Generated from 'DEPS'", ...lines, ''].join('\n') }
}

function gnValue(deps: string, name: string): string {
  const value = new RegExp(
    `^\\s*'${name}':\\s*(?:(True|False)|(?:Str\\()?'([^']*)'\\)?),`,
    'm',
  ).exec(deps)
  if (value?.[1]) return value[1].toLowerCase()
  if (value?.[2] !== undefined) return JSON.stringify(value[2])
  throw new AdvisedError(
    `V8's DEPS lists ${name} for GN, but its value cannot be read.`,
    'This V8 writes DEPS in a new way; adapt build-scripts/fetch/standalone-layout.ts.',
  )
}
