import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { writeNpmrc } from './registry.ts'
import type { Setting } from './scenario.ts'

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** Both, for messages. */
  readonly output: string
}

interface ProjectOptions {
  /** A release of Node; that which runs this if left out. */
  readonly node?: string
  /** An executable of Node that is none of this machine's. */
  readonly executable?: string
  /** The command that runs another one on another system, which has the project's folder too. */
  readonly entering?: (command: readonly string[], folder: string) => readonly string[]
  /** A registry in front of the usual one. */
  readonly registry?: string
  readonly manifest?: object
}

const patience = 300_000

/** An empty project of somebody who has nothing: a home, caches and a temporary folder of its own. */
export class Project {
  readonly folder: string
  readonly #setting: Setting
  readonly #env: NodeJS.ProcessEnv
  readonly #temporary: string
  readonly #entering: NonNullable<ProjectOptions['entering']>

  static async create(
    setting: Setting,
    name: string,
    options: ProjectOptions = {},
  ): Promise<Project> {
    const project = new Project(setting, join(setting.folder, name), options)
    await mkdir(project.folder, { recursive: true })
    await mkdir(project.#temporary)
    await writeNpmrc(
      join(project.folder, '..', 'npmrc'),
      { ...setting.registry, url: options.registry ?? setting.registry.url },
      false,
    )
    // npm 12 runs no install script that is not allowed here; older ones do not read it.
    await project.write(
      'package.json',
      JSON.stringify({ private: true, allowScripts: { 'v8-rawmem': true }, ...options.manifest }),
    )
    return project
  }

  private constructor(
    setting: Setting,
    home: string,
    { node, executable: other, entering = (command) => command }: ProjectOptions,
  ) {
    this.#setting = setting
    this.#entering = entering
    this.folder = join(home, 'project')
    this.#temporary = join(home, 'tmp')
    const executable = other ?? (node === undefined ? process.execPath : setting.nodes.get(node))
    assert(executable, `there is no Node ${node}`)
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(npm_|V8_RAWMEM_|XDG_|NODE_|INIT_CWD$|COREPACK|YARN|PNPM)/i.test(name),
    )
    this.#env = {
      ...Object.fromEntries(inherited),
      PATH: [dirname(executable), ...(process.env.PATH ?? '').split(delimiter)]
        .filter((folder) => !folder.includes('node_modules/.bin'))
        .join(delimiter),
      HOME: home,
      TMPDIR: this.#temporary,
      npm_config_userconfig: join(home, 'npmrc'),
      npm_config_cache: join(home, 'npm-cache'),
    }
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.folder, name)), { recursive: true })
    await writeFile(join(this.folder, name), content)
  }

  has(path: string): boolean {
    return existsSync(join(this.folder, path))
  }

  /** Runs a command to its end, however that is. */
  async end(
    words: readonly string[],
    { env = {}, interruptWhen }: { env?: NodeJS.ProcessEnv; interruptWhen?: () => boolean } = {},
  ): Promise<Ended> {
    const { signal } = this.#setting
    signal.throwIfAborted()
    const [command, ...args] = this.#entering(words, this.folder) as [string, ...string[]]
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // What it starts is to end with it.
      detached: true,
    })
    const stop = () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    }
    const timer = setTimeout(stop, patience)
    const watch = setInterval(() => {
      if (!interruptWhen?.()) return
      clearInterval(watch)
      child.kill('SIGINT')
    }, 50)
    signal.addEventListener('abort', stop)
    try {
      const [stdout, stderr, [exitCode]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ])
      signal.throwIfAborted()
      return { exitCode, stdout, stderr, output: `$ ${words.join(' ')}\n${stdout}${stderr}` }
    } finally {
      clearTimeout(timer)
      clearInterval(watch)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Runs a command that has to succeed. Returns its stdout. */
  async run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { exitCode, stdout, output } = await this.end(words, { env })
    assert.equal(exitCode, 0, output)
    return stdout.trim()
  }

  /** Runs a command that has to fail, with all of that in its output. */
  async fail(
    words: readonly string[],
    patterns: readonly RegExp[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const { exitCode, output } = await this.end(words, { env })
    assert.notEqual(exitCode, 0, `should have failed: ${output}`)
    assert.notEqual(exitCode, null, `was killed after ${patience / 1000} s: ${output}`)
    for (const pattern of patterns) assert.match(output, pattern)
  }

  /** `npm install v8-rawmem`, which has to succeed. */
  async install(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.run(['npm', 'install', `v8-rawmem@${this.#setting.version}`, ...args], env)
  }

  /** Nothing is left of a download that failed: neither in the package nor among the temporary files. */
  async requireNoTrace(): Promise<void> {
    const left = (await readdir(this.#temporary)).filter((name) => name.startsWith('v8-rawmem'))
    assert.deepEqual(left, [])
    assert(!this.has('node_modules/v8-rawmem/prebuilds'), 'prebuilds/ is left behind')
  }
}
