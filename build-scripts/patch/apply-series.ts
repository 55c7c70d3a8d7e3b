import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessOutput } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { upstreamTag } from '../fetch/fetch.ts'
import { withTemporaryFolder } from '../shared/files.ts'
import { commitEnvironment, gitIn } from '../shared/git.ts'
import type { Patch } from '../shared/pin.ts'

/**
 * Makes one commit for each patch, the first on top of the pristine sources, without touching the work tree or its
 * index. Context lines must match exactly. Commits depend on nothing but the sources and the patch files, so that the
 * same series has the same hashes everywhere.
 *
 * @returns the hash of the last commit
 */
export async function applySeries(tree: string, patches: readonly Patch[]): Promise<string> {
  return await withTemporaryFolder(async (scratch) => {
    const $index = gitIn(tree, { GIT_INDEX_FILE: join(scratch, 'index') })
    await $index`git read-tree ${upstreamTag}`
    let head = (await $index`git rev-parse --verify ${`${upstreamTag}^{commit}`}`).stdout.trim()
    for (const patch of patches) {
      const mail = await readMail(patch, scratch)
      const applied = await $index({ nothrow: true })`git apply --cached ${patch.path}`
      if (applied.exitCode !== 0) throw doesNotApply(patch, tree, applied)
      const treeHash = (await $index`git write-tree`).stdout.trim()
      const author = { name: mail.author, email: mail.email }
      const $commit = gitIn(tree, commitEnvironment(author, mail.date))
      // By a file: git may end before it has read a pipe.
      const message = join(scratch, 'commit-message')
      await writeFile(message, mail.message)
      const commit = await $commit`git commit-tree ${treeHash} -p ${head} -F ${message}`
      head = commit.stdout.trim()
    }
    return head
  })
}

interface Mail {
  readonly author: string
  readonly email: string
  readonly date: string
  readonly message: string
}

/** Takes a format-patch file apart. */
async function readMail(patch: Patch, scratch: string): Promise<Mail> {
  const message = join(scratch, 'message')
  const diff = join(scratch, 'diff')
  const $scratch = gitIn(scratch)
  // -b: of the subject's [tags] only [PATCH] is git's, the others are the author's.
  const info = await $scratch({
    nothrow: true,
  })`git mailinfo -b ${message} ${diff} < ${patch.path}`
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(info.stdout)?.[1] ?? ''
  const mail = {
    author: field('Author'),
    email: field('Email'),
    date: field('Date'),
    message: `${field('Subject')}\n\n${await readFile(message, 'utf8').catch(() => '')}`.trimEnd(),
  }
  if (!mail.author || !mail.date || !field('Subject') || (await readFile(diff)).length === 0) {
    throw new AdvisedError(
      `${patch.name} is not a patch in the format of "git format-patch" (author, date, subject, diff).`,
      'Make it from a commit in the work tree with: npm run v8 -- patch --export',
    )
  }
  return { ...mail, message: `${mail.message}\n` }
}

function doesNotApply(patch: Patch, tree: string, applied: ProcessOutput): Error {
  const { stderr } = applied
  // It is not the patch then.
  if (/corrupt|unable to read|inflate:/.test(stderr)) return applied
  const places = [...stderr.matchAll(/^error: patch failed: (.+):(\d+)$/gm)].map(
    ([, file, line]) => `${file}: the change at line ${line} finds other lines than it expects`,
  )
  const other = stderr
    .split('\n')
    .filter((line) => line.startsWith('error: ') && !/patch failed|does not apply/.test(line))
    .map((line) => line.slice('error: '.length))
  return new AdvisedError(
    `${patch.name} does not apply:\n  ${[...places, ...other].join('\n  ')}`,
    [
      'The work tree is as it was. To mend the patch:',
      `  git -C ${tree} am -3 ${patch.path}`,
      '  (resolve, then "git am --continue")',
      '  npm run v8 -- patch --export',
    ].join('\n'),
  )
}
