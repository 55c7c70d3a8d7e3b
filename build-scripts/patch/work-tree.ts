import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { patchedBranch, upstreamTag } from '../fetch/fetch.ts'
import { writeFileDurably } from '../shared/files.ts'
import { gitIn } from '../shared/git.ts'
import { shorten } from '../shared/terminal.ts'

/** The commit that the last application of a series led to. */
const appliedRef = 'refs/v8-rawmem/applied'

/** How the work tree stands to the series. */
interface TreeState {
  /** Commits on the branch that the series does not have. */
  readonly extraCommits: number
  /** Tracked files changed and not committed. */
  readonly editedFiles: readonly string[]
}

/** The V8 work tree: the branch that carries the series, and what a maintainer has on top of it. */
export class WorkTree {
  readonly #git: ReturnType<typeof gitIn>
  /** There while files are being exchanged. */
  readonly #moveMark: string

  constructor(readonly path: string) {
    this.#git = gitIn(path)
    this.#moveMark = join(path, '.git', 'v8-rawmem-move.json')
  }

  /** What the tree has beyond `head`, or undefined when it is not based on it. */
  async beyond(head: string): Promise<TreeState | undefined> {
    const based = await this.#git({ nothrow: true })`git merge-base --is-ancestor ${head} HEAD`
    if (based.exitCode !== 0) return undefined
    const count = await this.#text('git', 'rev-list', '--count', `${head}..HEAD`)
    // A longer series led here, and has lost its last patches since.
    if (count !== '0' && (await this.#isOurs(await this.#text('git', 'rev-parse', 'HEAD')))) {
      return undefined
    }
    return { extraCommits: Number(count), editedFiles: await this.editedFiles() }
  }

  /** Whether an earlier run was killed while it exchanged files. */
  wasInterrupted(): boolean {
    return existsSync(this.#moveMark)
  }

  async editedFiles(): Promise<string[]> {
    const status = await this.#git`git status --porcelain --untracked-files=no`
    return status.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(3))
  }

  /**
   * Moves the branch and the files to `head`. Files that do not differ keep their times, so that ninja compiles only
   * what a changed patch touches.
   *
   * @param force goes on over commits and edits that are in no patch; they stay reachable under the ref returned
   */
  async moveTo(head: string, { force }: { force: boolean }): Promise<{ backup?: string }> {
    if (this.wasInterrupted()) return await this.#finishMove(head)

    const at = await this.#text('git', 'rev-parse', 'HEAD')
    const edited = await this.editedFiles()
    const discarding = force && edited.length > 0
    if (!discarding && (await this.#tree(at)) === (await this.#tree(head))) {
      return await this.#renameCommits(at, head)
    }
    const unexported = !(await this.#isOurs(at))
    if (!force && (edited.length > 0 || unexported)) throw this.#wouldLose(edited, unexported)

    const backup = edited.length > 0 || unexported ? await this.#backUp(at, true) : undefined
    await writeFileDurably(this.#moveMark, head)
    await this.#exchangeFiles(head)
    return backup ? { backup } : {}
  }

  /** The same files under other hashes: commits made by hand that have since been exported. Edits stay. */
  async #renameCommits(from: string, to: string): Promise<{ backup?: string }> {
    if (from === to) return {}
    const backup = await this.#backUp(from)
    await this.#git`git checkout --quiet -B ${patchedBranch}`
    await this.#git`git reset --quiet --soft ${to}`
    await this.#git`git update-ref ${appliedRef} ${to}`
    return { backup }
  }

  /** Whether a commit is one that this script put there. */
  async #isOurs(commit: string): Promise<boolean> {
    for (const name of [upstreamTag, appliedRef]) {
      const known = await this.#git({
        nothrow: true,
      })`git rev-parse --quiet --verify ${`${name}^{commit}`}`
      if (known.stdout.trim() === commit) return true
    }
    return false
  }

  /** An earlier run was killed while it exchanged files: the tree had been found clean before. */
  async #finishMove(head: string): Promise<{ backup?: string }> {
    await rm(join(this.path, '.git', 'index.lock'), { force: true })
    const at = await this.#text('git', 'rev-parse', 'HEAD')
    // Keeps edits that were made since.
    const backup = await this.#backUp(at, true)
    await this.#exchangeFiles(head)
    return { backup }
  }

  async #exchangeFiles(head: string): Promise<void> {
    // Recorded first: from here on the target is ours, however far the exchange gets.
    await this.#git`git update-ref ${appliedRef} ${head}`
    await this.#git`git checkout --quiet --force -B ${patchedBranch} ${head}`
    await rm(this.#moveMark)
  }

  async #backUp(commit: string, withEdits = false): Promise<string> {
    const stash = withEdits
      ? (
          await this.#git({
            nothrow: true,
          })`git -c user.name=v8-rawmem -c user.email=v8-rawmem@localhost stash create`
        ).stdout.trim()
      : ''
    const saved = stash || commit
    const ref = `refs/v8-rawmem/backup/${saved.slice(0, 12)}`
    await this.#git`git update-ref ${ref} ${saved}`
    return ref
  }

  #wouldLose(edited: readonly string[], unexported: boolean): AdvisedError {
    const what = [
      ...(unexported ? [`commits on ${patchedBranch} that are in no patch file`] : []),
      ...(edited.length > 0 ? [`edits that are in no commit (${shorten(edited, 3)})`] : []),
    ].join(' and ')
    return new AdvisedError(
      `The patch files have changed, but the work tree ${this.path} has ${what}.`,
      [
        'To keep them: commit, then write the commits back as patches with',
        '  npm run v8 -- patch --export',
        'To go over to the patch files: npm run v8 -- patch --force (what is there stays under refs/v8-rawmem/backup/).',
      ].join('\n'),
    )
  }

  async #tree(commit: string): Promise<string> {
    return this.#text('git', 'rev-parse', `${commit}^{tree}`)
  }

  async #text(...command: string[]): Promise<string> {
    return (await this.#git`${command}`).stdout.trim()
  }
}
