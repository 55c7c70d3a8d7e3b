import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { diskFull, saysDiskFull } from '../shared/disk.ts'
import { $, withoutInput } from '../shared/shell.ts'
import { warn } from '../shared/terminal.ts'
import { type RetryPolicy, retry } from './retry.ts'

/** A place that stands for a git host: all hosts when none is named. */
export interface Mirror {
  readonly host?: string
  readonly base: string
}

/** Reads `<url>` or `<host>=<url>`. */
export function parseMirror(text: string): Mirror {
  const match = /^(?:([\w.-]+(?::\d+)?)=)?((?:https?|git|ssh|file):\/\/\S+)$/.exec(text)
  if (!match) {
    throw new AdvisedError(
      `"${text}" is no mirror.`,
      'Give --mirror (or V8_RAWMEM_GIT_MIRROR) a URL under which the repositories have the paths of their host, or <host>=<URL>.',
    )
  }
  const [, host, base] = match
  return { ...(host ? { host } : {}), base: base!.replace(/\/*$/, '/') }
}

/** What stands for a host; of several, the one named last. */
export function mirrorFor(host: string, mirrors: readonly Mirror[]): Mirror | undefined {
  return mirrors.findLast((one) => one.host === host) ?? mirrors.findLast((one) => !one.host)
}

// These would make git work on another repository than the one of its working directory.
const elsewhere =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|NAMESPACE|PREFIX|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES)$/

/**
 * Git's environment for what goes over the network. The user's configuration holds, for proxies, certificates,
 * credentials and `insteadOf`; but nothing of it may change what a checked-out file is.
 *
 * @param urls the addresses that mirrors may stand for
 */
export function networkGitEnvironment(
  mirrors: readonly Mirror[],
  urls: readonly string[],
): NodeJS.ProcessEnv {
  const settings: [string, string][] = [
    ['core.autocrlf', 'false'],
    ['core.eol', 'lf'],
    ['core.filemode', 'true'],
    ['core.symlinks', 'true'],
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['submodule.recurse', 'false'],
    ['advice.detachedHead', 'false'],
    // Any commit may be asked for by its hash.
    ['protocol.version', '2'],
    // A server that has fallen silent is one that has hung up.
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '60'],
  ]
  for (const origin of new Set(urls.map((url) => new URL(url).origin))) {
    const { host } = new URL(origin)
    const mirror = mirrorFor(host, mirrors)
    if (mirror) settings.push([`url.${mirror.base}.insteadOf`, `${origin}/`])
  }
  const environment: NodeJS.ProcessEnv = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !elsewhere.test(name)),
  )
  let count = Number(environment.GIT_CONFIG_COUNT ?? 0)
  for (const [key, value] of settings) {
    environment[`GIT_CONFIG_KEY_${count}`] = key
    environment[`GIT_CONFIG_VALUE_${count}`] = value
    count++
  }
  return {
    ...environment,
    GIT_CONFIG_COUNT: String(count),
    // Public repositories need no password. A prompt would wait for ever.
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
}

/** Whether the server of `url` answers git within `milliseconds`. */
export async function answersGit(
  url: string,
  environment: NodeJS.ProcessEnv,
  milliseconds: number,
): Promise<boolean> {
  const shell = $({ env: environment, nothrow: true, stdio: withoutInput() })
  const asked = await shell`exec git ls-remote ${url} HEAD`.timeout(milliseconds)
  return asked.exitCode === 0
}

const patience: RetryPolicy = { attempts: 5, firstPauseMilliseconds: 1000 }

/** git over the network, by the user's mirrors. */
export class NetworkGit {
  readonly #environment: NodeJS.ProcessEnv

  /** @param urls the addresses that mirrors may stand for */
  constructor(mirrors: readonly Mirror[], urls: readonly string[]) {
    this.#environment = networkGitEnvironment(mirrors, urls)
  }

  /** A shell for git and gclient. */
  shell(folder: string, more: NodeJS.ProcessEnv = {}) {
    return $({ cwd: folder, env: { ...this.#environment, ...more }, stdio: withoutInput() })
  }

  /** Runs git in a folder. */
  async run(folder: string, ...args: string[]): Promise<void> {
    await this.shell(folder)`exec git ${args}`
  }

  /** What `name` stands for in the repository of `folder`; undefined where there is none, or no repository. */
  async resolve(folder: string, name: string): Promise<string | undefined> {
    const $git = $({ env: this.#environment, nothrow: true })
    // Named, so that git does not go looking in the folders above.
    const repository = join(folder, '.git')
    const found = await $git`git --git-dir=${repository} rev-parse --quiet --verify ${name}`
    return found.exitCode === 0 ? found.stdout.trim() : undefined
  }
}

/**
 * Does work of git's or gclient's again until it succeeds.
 *
 * @param folder where it writes
 */
export async function retryNetwork(
  name: string,
  folder: string,
  work: () => Promise<void>,
  gained: () => Promise<number> = async () => 0,
): Promise<void> {
  const onFailure = (error: unknown, isLast: boolean, seconds: number) => {
    const reason = lastWords(error)
    if (saysDiskFull(reason)) throw diskFull(folder, name, error)
    if (error instanceof AdvisedError) throw error
    if (isLast) {
      throw new AdvisedError(
        `${name} has failed ${patience.attempts} times:\n${reason}`,
        'Check the network (git takes proxies from https_proxy and from its own configuration) and run the command again: repositories that are whole are kept.\nOr name a mirror with --mirror, or take the sources from the archive with --source archive.',
        { cause: error },
      )
    }
    warn(`${name}: ${complaint(reason)}; trying again in ${seconds} s`)
  }
  await retry(work, { ...patience, gained, onFailure })
}

/** What a tool said last, which is mostly why it failed. */
function lastWords(error: unknown): string {
  const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string }
  const text = [stdout, stderr].filter(Boolean).join('\n').trim() || message
  return text.split('\n').slice(-30).join('\n')
}

/** The one line that says most. */
function complaint(reason: string): string {
  const lines = reason.split('\n')
  return (lines.findLast((line) => /fatal: |error: /i.test(line)) ?? lines.at(-1)!).trim()
}

/** Removes the locks of git commands that were killed; the cache has one user at a time. */
export async function removeLocks(folder: string): Promise<void> {
  const repository = join(folder, '.git')
  for (const place of [repository, join(repository, 'info')]) {
    for (const name of await readdir(place).catch(() => [])) {
      if (name.endsWith('.lock')) await rm(join(place, name))
    }
  }
}
