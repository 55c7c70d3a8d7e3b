import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ProcessOutput } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { upstreamTag } from '../fetch/fetch.ts'
import type { BuildContext } from '../shared/context.ts'
import { withTemporaryFolder, writeFileDurably } from '../shared/files.ts'
import { commitEnvironment, gitIn } from '../shared/git.ts'
import { sha256 } from '../shared/hash.ts'
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

/** One patch file, as it is to be. */
interface ExportedPatch {
  /** One of the folders of the series. */
  readonly folder: string
  readonly file: string
  readonly content: string
}

/**
 * Writes the commits of the work tree's branch as the patch files of the series.
 *
 * @returns the names of the files, in the order of the series
 */
export async function exportSeries(context: BuildContext): Promise<string[]> {
  const { pin, project } = context
  const { files } = await formatSeries(context)
  const root = join(project, pin.patches.folder)
  for (const { folder, file, content } of files) {
    const path = join(root, folder, file)
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== content) {
      await writeFileDurably(path, content)
    }
  }
  for (const old of context.series.patches) {
    const stays = files.some(({ folder, file }) => old.path === join(root, folder, file))
    if (!stays) await rm(old.path)
  }
  return files.map(({ folder, file }) => join(pin.patches.folder, folder, file))
}

/**
 * The commits of the work tree's branch as patch files, and nothing else: edits that are in no commit stay out. The
 * series is applied to the pristine sources and must give the branch's tree.
 *
 * @returns the files, and the commit that they lead to
 */
export async function formatSeries(
  context: BuildContext,
): Promise<{ files: ExportedPatch[]; head: string }> {
  const { cache, pin, project } = context
  return await withTemporaryFolder(async (scratch) => {
    const exported = await formatCommits(context, scratch)
    const files = number(pin.patches.series, exported)
    const head = await requireRoundTrip(context, files, scratch)
    return { files, head }
  })

  /** One patch file in `scratch/commits` for each commit since the pristine sources. */
  async function formatCommits({ series }: BuildContext, folder: string): Promise<ExportedPatch[]> {
    const $git = gitIn(cache.tree)
    const out = join(folder, 'commits')
    // Everything a machine's git could vary is fixed: versions, hashes of commits, lengths of abbreviations, diff drivers.
    // File names may be long, so that no subject is cut inside a word.
    await $git`git -c core.abbrev=12 -c diff.noprefix=false format-patch --quiet --filename-max-length=200 --zero-commit --no-signature --keep-subject --no-stat --full-index --binary --no-renames --diff-algorithm=myers --no-ext-diff --no-textconv --output-directory ${out} ${`${upstreamTag}..HEAD`}`
    const known = await foldersBySubject(series.patches)
    const patches: ExportedPatch[] = []
    for (const name of (await readdir(out)).sort()) {
      const content = await readFile(join(out, name), 'utf8')
      const place = known.get(subjectOf(content)) ?? folderFor(content)
      patches.push({ folder: place, file: name.replace(/^\d+-/, ''), content })
    }
    return patches
  }

  /** A patch stays in the folder where its file lies now. */
  async function foldersBySubject(patches: readonly Patch[]): Promise<Map<string, string>> {
    const folders = new Map<string, string>()
    for (const patch of patches) {
      const folder = pin.patches.series.find((name) => {
        return join(project, pin.patches.folder, name, basename(patch.path)) === patch.path
      })
      folders.set(subjectOf(await readFile(patch.path, 'utf8')), folder!)
    }
    return folders
  }

  /** A new patch that changes only how V8 is built belongs to the first folder of the series, others to the last. */
  function folderFor(content: string): string {
    const changed = [...content.matchAll(/^diff --git a\/(\S+) /gm)].map((match) => match[1]!)
    const buildOnly = changed.every((path) => !/^(src|include|test|samples)\//.test(path))
    return (buildOnly ? pin.patches.series[0] : pin.patches.series.at(-1))!
  }
}

function subjectOf(patch: string): string {
  const subject = /^Subject: ((?:.*)(?:\n[ \t].*)*)/m.exec(patch)?.[1] ?? ''
  return subject.replace(/\n[ \t]+/g, ' ').replace(/^\[PATCH[^\]]*\] /, '')
}

/** Puts the patches into the order of the folders and numbers them within each. */
function number(folders: readonly string[], patches: readonly ExportedPatch[]): ExportedPatch[] {
  return folders.flatMap((folder) =>
    patches
      .filter((patch) => patch.folder === folder)
      .map((patch, index) => ({
        ...patch,
        file: `${String(index + 1).padStart(4, '0')}-${patch.file}`,
      })),
  )
}

async function requireRoundTrip(
  { cache }: BuildContext,
  files: readonly ExportedPatch[],
  scratch: string,
): Promise<string> {
  const patches: Patch[] = []
  for (const { folder, file, content } of files) {
    const path = join(scratch, `${patches.length}-${file}`)
    await writeFileDurably(path, content)
    patches.push({ name: join(folder, file), path, sha256: sha256(content) })
  }
  const advice = `The files are as they were. Folders apply one after the other; bring the branch into that order with\n  git -C ${cache.tree} rebase -i ${upstreamTag}`
  let head: string
  try {
    head = await applySeries(cache.tree, patches)
  } catch (cause) {
    if (!(cause instanceof AdvisedError)) throw cause
    throw new AdvisedError(`In the order of the series, ${cause.message}`, advice, { cause })
  }
  const $git = gitIn(cache.tree)
  const trees = await $git`git rev-parse ${`${head}^{tree}`} ${'HEAD^{tree}'}`
  const [series, branch] = trees.stdout.trim().split('\n')
  if (series !== branch) {
    throw new AdvisedError('The exported series gives other files than the branch has.', advice)
  }
  return head
}
