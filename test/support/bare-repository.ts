import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A small bare repository with one commit, which any commit and any part of may be asked of. Returns the commit. */
export function makeBareRepository(
  repository: string,
  files: Readonly<Record<string, string>>,
  tag?: string,
): string {
  mkdirSync(repository, { recursive: true })
  const workTree = mkdtempSync(join(tmpdir(), 'v8-rawmem-files-'))
  const run = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: repository,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'Upstream',
        GIT_AUTHOR_EMAIL: 'upstream@example.com',
        GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
        GIT_COMMITTER_NAME: 'Upstream',
        GIT_COMMITTER_EMAIL: 'upstream@example.com',
        GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
      },
    }).trim()
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(workTree, path)), { recursive: true })
      writeFileSync(join(workTree, path), content)
    }
    run('init', '--quiet', '--bare', '--initial-branch=main')
    run('config', 'uploadpack.allowFilter', 'true')
    run('config', 'uploadpack.allowAnySHA1InWant', 'true')
    run('--git-dir', repository, '--work-tree', workTree, 'add', '--force', '--all')
    const commit = run('commit-tree', '-m', 'files', run('write-tree'))
    run('update-ref', 'refs/heads/main', commit)
    if (tag) run('update-ref', tag, commit)
    return commit
  } finally {
    rmSync(workTree, { recursive: true })
  }
}
