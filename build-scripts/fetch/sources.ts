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

/** What the user says of where sources come from. */
export interface SourceOptions {
  readonly source?: SourceKind | undefined
  readonly archive?: readonly string[]
  readonly mirror?: readonly string[]
  readonly snapshot?: string | undefined
}

/** Where the user lets sources come from. */
export class Sources {
  /** Paths and URLs of archives. */
  readonly archives: readonly string[]
  readonly mirrors: readonly Mirror[]
  /** The URL of a service that keeps what mirrors have dropped. */
  readonly snapshot: string | undefined
  readonly #kind: SourceKind | undefined
  readonly #options: SourceOptions
  #answers: Promise<boolean> | undefined

  constructor(options: SourceOptions) {
    this.#options = options
    this.archives = options.archive ?? []
    this.mirrors = (options.mirror ?? []).map(parseMirror)
    this.snapshot = options.snapshot
    this.#kind = options.source
  }

  /** The same with other archives. */
  with(archive: readonly string[]): Sources {
    return new Sources({ ...this.#options, archive })
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
    this.#answers ??= this.#ask(upstream)
    return (await this.#answers) ? 'depot_tools' : 'archive'
  }

  /** Whether the repositories may stand in for an archive that is nowhere to be had; `answers` says why not. */
  async mayAskGit(context: BuildContext): Promise<{ allowed: boolean; answers: string[] }> {
    const upstream = await loadUpstreamPin(context)
    if (this.#kind === 'archive' || !upstream) return { allowed: false, answers: [] }
    const name = gitHost(upstream, this.mirrors)
    this.#answers ??= this.#ask(upstream)
    const allowed = await this.#answers
    return { allowed, answers: allowed ? [] : [`${name} (by git): cannot bring them either`] }
  }

  async #ask(upstream: UpstreamPin): Promise<boolean> {
    const name = gitHost(upstream, this.mirrors)
    if (!(await gitHostAnswers(upstream, this.mirrors))) {
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
): Promise<boolean> {
  const { url } = upstream.repositories.v8!
  return await answersGit(url, networkGitEnvironment(mirrors, [url]), patienceMilliseconds)
}

/** The words of a variable of the environment. */
export function words(text: string | undefined): string[] {
  return text?.split(/\s+/).filter(Boolean) ?? []
}
