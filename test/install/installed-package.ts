import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { type Ended, start } from '../command/command.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const prebuilds = join(repository, 'prebuilds', 'linux-x64')

export interface InstalledPackage {
  /** Of the package, in node_modules. */
  readonly folder: string
  /** Of the platform's package; nothing is there yet. */
  readonly platform: string
  /** Evaluates an expression over the package's exports, `rawmem`. */
  evaluate(expression: string, env?: NodeJS.ProcessEnv): Promise<Ended>
  /** Runs the package's script, or its command with these arguments. */
  script(env?: NodeJS.ProcessEnv): Promise<Ended>
  command(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>
}

/** The package in a project, as npm installs it, without the platform's package. */
export function installPackage(t: ExecutionContext): InstalledPackage {
  const project = temporaryFolder(t)
  const modules = join(project, 'node_modules')
  const folder = join(modules, 'v8-rawmem')
  const platform = join(modules, '@v8-rawmem', 'linux-x64')
  mkdirSync(folder, { recursive: true })
  cpSync(compilePackage().dist, join(folder, 'dist'), { recursive: true })
  for (const name of ['package.json', 'install.js']) {
    cpSync(join(repository, name), join(folder, name))
  }
  const { dependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    symlinkSync(join(repository, 'node_modules', name), join(modules, name))
  }
  const run = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    start([process.execPath, ...words], {
      V8_RAWMEM_BINDING: '',
      V8_RAWMEM_BACKEND: '',
      V8_RAWMEM_MIRROR: '',
      npm_config_user_agent: '',
      ...env,
    }).ended
  return {
    folder,
    platform,
    evaluate: (expression, env) => {
      const path = JSON.stringify(join(folder, 'dist', 'bindings', 'index.js'))
      return run(['-p', `const rawmem = require(${path}); ${expression}`], env)
    },
    script: (env) => run([join(folder, 'install.js')], env),
    command: (args, env) => run([join(folder, 'dist', 'cli', 'main.js'), ...args], env),
  }
}

/** Puts files of the built prebuild, or others, into a folder. */
export function put(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
}
