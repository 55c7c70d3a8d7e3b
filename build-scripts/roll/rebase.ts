import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { patchedBranch, upstreamTag } from '../fetch/fetch.ts'
import { seriesHead } from '../patch/patch.ts'
import type { BuildContext } from '../shared/context.ts'
import { gitIn, identity } from '../shared/git.ts'
import { $ } from '../shared/shell.ts'
import { say } from '../shared/terminal.ts'

/** The pristine sources that the series was made for, and the series on top of them. */
const fromRef = 'refs/v8-rawmem/roll/from'
const seriesRef = 'refs/v8-rawmem/roll/series'

/** The series does not go onto the new sources by itself: the work tree is in the middle of a `git rebase`. */
export class RebaseConflict extends AdvisedError {}

/** `git rebase` of the series, from one work tree to another. */
export class Rebase {
  readonly #git: ReturnType<typeof gitIn>

  /**
   * @param old the pinned version, with its work tree in the cache
   * @param tree the work tree of the new version
   */
  constructor(
    readonly old: BuildContext,
    readonly tree: string,
  ) {
    this.#git = gitIn(tree, {
      GIT_COMMITTER_NAME: identity.name,
      GIT_COMMITTER_EMAIL: identity.email,
      // The messages stay as they are.
      GIT_EDITOR: 'true',
    })
  }

  /** Whether git is in the middle of it. */
  isUnderWay(): boolean {
    return existsSync(join(this.tree, '.git', 'rebase-merge'))
  }

  /** Whether the series is on the new sources, by this command or by git at a maintainer's hands. */
  async isDone(): Promise<boolean> {
    if (this.isUnderWay()) return false
    const branch = await this.#git({ nothrow: true })`git symbolic-ref --short --quiet HEAD`
    if (branch.stdout.trim() !== patchedBranch) return false
    const based = await this.#git({
      nothrow: true,
    })`git merge-base --is-ancestor ${upstreamTag} HEAD`
    return based.exitCode === 0 && (await this.#count(`${upstreamTag}..HEAD`)) > 0
  }

  /** Begins, from whatever a killed run has left. */
  async start(): Promise<void> {
    const { cache } = this.old
    const series = await seriesHead(this.old)
    const from = (await gitIn(cache.tree)`git rev-parse ${`${upstreamTag}^{commit}`}`).stdout.trim()
    // Links cost nothing, and the new repository stays whole when the old version goes.
    const objects = (tree: string) => join(tree, '.git', 'objects')
    await $`cp --archive --link --force ${objects(cache.tree)}/. ${objects(this.tree)}/`
    for (const left of ['rebase-merge', 'index.lock', 'HEAD.lock']) {
      await rm(join(this.tree, '.git', left), { recursive: true, force: true })
    }
    await this.#git`git checkout --quiet --force --detach ${upstreamTag}`
    await this.#git`git update-ref ${fromRef} ${from}`
    await this.#git`git update-ref ${seriesRef} ${series}`
    await this.#git`git branch --quiet --force ${patchedBranch} ${series}`
    await this.#run('rebase', '--quiet', '--onto', upstreamTag, fromRef, patchedBranch)
  }

  /** Goes on after a conflict that has been resolved. */
  async continue(): Promise<void> {
    if (await this.isDone()) return
    if (!this.isUnderWay()) return await this.start()
    if ((await this.#unmerged()).length > 0) throw await this.#conflict()
    await this.#run('rebase', '--continue')
  }

  /** The names of the patches that the new version has already. */
  async dropped(): Promise<string[]> {
    const subjects = async (range: string) => {
      const log = await this.#git`git log --reverse --format=%s ${range}`
      return log.stdout.trimEnd().split('\n')
    }
    const now = new Set(await subjects(`${upstreamTag}..HEAD`))
    const before = await subjects(`${fromRef}..${seriesRef}`)
    return before.filter((subject) => !now.has(subject))
  }

  /** Removes what is of use during the rebase only. */
  async forget(): Promise<void> {
    for (const ref of [fromRef, seriesRef]) await this.#git`git update-ref -d ${ref}`
  }

  async #run(...command: string[]): Promise<void> {
    const result = await this.#git({ nothrow: true })`git ${command}`
    if (result.exitCode === 0) return
    if (!this.isUnderWay()) throw result
    throw await this.#conflict(result.stderr.trim())
  }

  async #unmerged(): Promise<string[]> {
    const status = await this.#git`git diff --name-only -z --diff-filter=U`
    return [...new Set(status.stdout.split('\0').filter(Boolean))]
  }

  async #conflict(said = ''): Promise<RebaseConflict> {
    const files = await this.#unmerged()
    const stopped = await this.#git({ nothrow: true })`git log -1 --format=%s REBASE_HEAD`
    const places: string[] = []
    for (const file of files) places.push(...(await conflictsIn(join(this.tree, file), file)))
    const what = places.length > 0 ? places.map((place) => `\n  ${place}`).join('') : `\n${said}`
    return new RebaseConflict(
      `The patch "${stopped.stdout.trim()}" does not go onto the new version by itself:${what}`,
      [
        `${this.tree} is in the middle of an ordinary "git rebase". Resolve there, then go on:`,
        `  git -C ${this.tree} diff`,
        `  git -C ${this.tree} add ${files.join(' ') || '<files>'}`,
        '  npm run v8 -- roll --continue',
        'Or give up: npm run v8 -- roll --abort',
      ].join('\n'),
    )
  }

  async #count(range: string): Promise<number> {
    return Number((await this.#git`git rev-list --count ${range}`).stdout.trim())
  }

  /** Tells what came of it. */
  async report(): Promise<void> {
    const dropped = await this.dropped()
    for (const subject of dropped)
      say(`the new version has it already, or it has a new name: ${subject}`)
    say(`${await this.#count(`${upstreamTag}..HEAD`)} patches are on the new version`)
  }
}

/** The hunks of a file that git could not merge. */
async function conflictsIn(path: string, name: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return [`${name}: one side has removed it`]
  const lines = text.split('\n')
  const found: string[] = []
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('<<<<<<< ')) continue
    const end = lines.findIndex((other, at) => at > index && other.startsWith('>>>>>>> '))
    found.push(`${name}: the hunk in lines ${index + 1} to ${end + 1}`)
  }
  return found.length > 0 ? found : [`${name}: resolved, but not yet added`]
}
