import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { makeBareRepository } from './bare-repository.ts'
import { archivedFiles, type BuildProject, git, makeBuildProject } from './build-project.ts'

/** A small project with repositories that hold the files of its archive. */
export interface UpstreamProject extends BuildProject {
  /** The folder to serve. */
  readonly repositories: string
  /** Environment for the command: where Python finds what gclient imports. */
  readonly environment: Record<string, string>
  /** The content of upstream/pin.json; written by `writePin`. */
  readonly pin: ReturnType<typeof makePin>
  writePin(): void
}

// The real gclient is a part of the archive, and runs in test:upstream. This one does the least that is asked of it.
const leastGclient = `
import os, subprocess, sys
assert sys.argv[1] == 'sync', sys.argv
assert '--nohooks' in sys.argv and '--no-history' in sys.argv, sys.argv
scope = {}
exec(open(os.environ['GCLIENT_FILE']).read(), scope)
solution, = scope['solutions']
wanted = {solution['name']: solution['url']}
for name, address in solution['custom_deps'].items():
  if address is not None:
    wanted[os.path.normpath(os.path.join(solution['name'], name))] = address
for count, (path, address) in enumerate(wanted.items(), 1):
  url, revision = address.split('@')
  if not os.path.isdir(os.path.join(path, '.git')):
    os.makedirs(path, exist_ok=True)
    subprocess.check_call(['git', 'init', '--quiet', path])
    subprocess.check_call(['git', '-C', path, 'fetch', '--quiet', '--depth=1', url, revision])
    subprocess.check_call(['git', '-C', path, 'checkout', '--quiet', 'FETCH_HEAD'])
  print('Syncing projects: %d%% (%d/%d)' % (100 * count / len(wanted), count, len(wanted)))
`

const host = 'https://git.example'

/** Makes the project, its repositories, and `upstream/pin.json`. */
export function makeUpstreamProject(): UpstreamProject {
  const project = makeBuildProject()
  const repositories = join(project.root, 'repositories')
  const at = (path: string) => join(repositories, path)
  const under = (folder: string) =>
    Object.fromEntries(
      Object.entries(archivedFiles)
        .filter(([path]) => path.startsWith(`${folder}/`))
        .map(([path, content]) => [path.slice(folder.length + 1), content]),
    )
  const besides = { '.gitignore': '*.o\n', 'test/data.bin': 'not in the release\n' }
  const revisions = {
    v8: makeBareRepository(at('v8.git'), { ...under('v8'), ...besides }),
    fp: makeBareRepository(at('fp.git'), { ...under('third_party/fp'), ...besides }),
    depotTools: makeBareRepository(at('depot_tools.git'), { 'gclient.py': leastGclient }),
    gn: makeBareRepository(at('gn.git'), { 'README.md': 'GN\n' }),
  }
  makeBareRepository(
    at('chromium.git'),
    {
      'build/config/BUILD.gn': archivedFiles['build/config/BUILD.gn']!,
      'chrome/browser.cc': 'not wanted\n',
    },
    'refs/tags/1.0',
  )
  const lock = JSON.parse(readFileSync(join(project.project, 'v8.lock.json'), 'utf8'))
  const files = Object.keys(archivedFiles)
    .filter((path) => !/unwanted|args\.gni/.test(path))
    .sort()
  const list = `${files.join('\n')}\n`
  const gnTree = git(at('gn.git'), 'rev-parse', 'HEAD^{tree}')
  const pin = makePin(revisions, lock.source.tree, gnTree, list, files.length)
  const folder = join(project.project, 'upstream')
  mkdirSync(folder)
  writeFileSync(join(folder, 'files.txt.br'), brotliCompressSync(list))
  const modules = join(project.root, 'modules', 'httplib2')
  mkdirSync(modules, { recursive: true })
  for (const name of ['__init__.py', 'socks.py']) writeFileSync(join(modules, name), '')
  const writePin = () => writeFileSync(join(folder, 'pin.json'), JSON.stringify(pin))
  writePin()
  return {
    ...project,
    repositories,
    environment: { PYTHONPATH: join(project.root, 'modules') },
    pin,
    writePin,
  }
}

function makePin(
  revisions: Record<'v8' | 'fp' | 'depotTools' | 'gn', string>,
  tree: string,
  gnTree: string,
  list: string,
  count: number,
) {
  return {
    schema: 1,
    v8: '15.0.0.1',
    chromium: {
      url: `${host}/chromium.git`,
      revision: 'refs/tags/1.0',
      folders: ['build'],
    },
    repositories: {
      'third_party/depot_tools': {
        url: `${host}/depot_tools.git`,
        revision: revisions.depotTools,
      },
      'third_party/fp': { url: `${host}/fp.git`, revision: revisions.fp },
      v8: { url: `${host}/v8.git`, revision: revisions.v8 },
    },
    leftOut: ['build', 'third_party/fp'],
    gn: { url: `${host}/gn.git`, revision: revisions.gn.slice(0, 10), tree: gnTree },
    generated: {} as Record<string, string>,
    files: { count, sha256: createHash('sha256').update(list).digest('hex') },
    tree,
    trees: {} as Record<string, string>,
  }
}
