import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildContext } from '../shared/context.ts'
import type { PinnedArchive } from '../shared/pin.ts'
import { say } from '../shared/terminal.ts'
import { findGclientPython, gclientModule } from './gclient.ts'
import {
  answersGit,
  type Mirror,
  mirrorFor,
  networkGitEnvironment,
  parseMirror,
} from './git-network.ts'
import { loadUpstreamPin, type UpstreamPin } from './upstream-pin.ts'

/** The ways in which sources come to a machine. */
export const sourceKinds = ['depot_tools', 'archive'] as const
export type SourceKind = (typeof sourceKinds)[number]

/** How long the git host has for its answer. */
const patienceMilliseconds = 5000

/** Where the user lets sources come from. */
export class Sources {
  /** Paths and URLs of archives. */
  readonly archives: readonly string[]
  readonly mirrors: readonly Mirror[]
  readonly #kind: SourceKind | undefined
  #answers: Promise<boolean> | undefined

  constructor(options: {
    source?: SourceKind | undefined
    archive?: readonly string[]
    mirror?: readonly string[]
  }) {
    this.archives = options.archive ?? []
    this.mirrors = (options.mirror ?? []).map(parseMirror)
    this.#kind = options.source
  }

  /**
   * Where what is in `archive` comes from: what the user says; else the archive when it is named or in the cache; else
   * git when its host answers; else the archive.
   */
  async kindFor(context: BuildContext, archive: PinnedArchive): Promise<SourceKind> {
    if (this.#kind) return this.#kind
    if (this.archives.length > 0 || existsSync(join(context.cache.downloads, archive.file))) {
      return 'archive'
    }
    const upstream = await loadUpstreamPin(context)
    if (!upstream) return 'archive'
    this.#answers ??= this.#ask(context, upstream)
    return (await this.#answers) ? 'depot_tools' : 'archive'
  }

  async #ask({ signal }: BuildContext, upstream: UpstreamPin): Promise<boolean> {
    const name = gitHost(upstream, this.mirrors)
    if (!(await gitHostAnswers(upstream, this.mirrors, signal))) {
      say(
        `${name} does not answer, so the sources come from the archive (--source depot_tools insists)`,
      )
      return false
    }
    if (!(await findGclientPython())) {
      say(
        `no python3 here can run gclient (package ${gclientModule.debianPackage}), so the sources come from the archive`,
      )
      return false
    }
    say(`${name} answers, so the sources come from there (--source archive takes the archive)`)
    return true
  }
}

/** The host that is asked, or the mirror that stands for it. */
export function gitHost(upstream: UpstreamPin, mirrors: readonly Mirror[]): string {
  const { host } = new URL(upstream.repositories.v8!.url)
  const mirror = mirrorFor(host, mirrors)
  return mirror ? new URL(mirror.base).host : host
}

/** Whether git can reach V8's repository now. */
export async function gitHostAnswers(
  upstream: UpstreamPin,
  mirrors: readonly Mirror[],
  signal: AbortSignal,
): Promise<boolean> {
  const { url } = upstream.repositories.v8!
  return await answersGit(url, networkGitEnvironment(mirrors, [url]), patienceMilliseconds, signal)
}

/** The words of a variable of the environment. */
export function words(text: string | undefined): string[] {
  return text?.split(/\s+/).filter(Boolean) ?? []
}
