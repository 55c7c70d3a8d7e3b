import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { gclientConfiguration } from '../../build-scripts/fetch/gclient.ts'
import {
  answersGit,
  networkGitEnvironment,
  parseMirror,
} from '../../build-scripts/fetch/git-network.ts'
import { isInArchiveOnly } from '../../build-scripts/fetch/pin-upstream.ts'
import { loadUpstreamFiles, loadUpstreamPin } from '../../build-scripts/fetch/upstream-pin.ts'
import { loadPin } from '../../build-scripts/shared/pin.ts'
import { copyProject, git, runV8, startV8 } from '../support/build-project.ts'
import { type Fault, type GitRequest, serveGit } from '../support/git-server.ts'
import { makeUpstreamProject } from '../support/upstream-project.ts'

// One after the other: side by side, so many gits on two processors keep a server from answering within the five seconds
// that it is given.

const repository = join(import.meta.dirname, '../..')

async function start(t: ExecutionContext, faultFor?: (request: GitRequest) => Fault) {
  const project = makeUpstreamProject()
  t.teardown(project.remove)
  const server = await serveGit(project.repositories, faultFor)
  t.teardown(server.close)
  const fetch = (...args: string[]) =>
    runV8(project, ['fetch', '--mirror', server.url, ...args], project.environment)
  return { project, server, fetch }
}

test.serial("the repository's upstream pin is valid and goes with its lock file", async (t) => {
  const pin = await loadPin(repository)
  const upstream = await loadUpstreamPin({ project: repository, pin })
  if (!upstream) return t.fail('upstream/pin.json is missing')
  const files = await loadUpstreamFiles(repository, upstream)
  t.is(files.length, upstream.files.count)
  t.false(files.some(isInArchiveOnly))
  t.deepEqual(
    Object.keys(upstream.generated).filter((path) => files.includes(path)),
    [],
  )
  const folders = [...Object.keys(upstream.repositories), ...upstream.chromium.folders]
  t.true(files.every((path) => folders.some((folder) => path.startsWith(`${folder}/`))))
  t.is(upstream.chromium.revision, `refs/tags/${pin.chromium.version}`)
})

test.serial('tells gclient what to bring and what to leave out, in its own language', async (t) => {
  const pin = await loadPin(repository)
  const upstream = (await loadUpstreamPin({ project: repository, pin }))!
  const script =
    'import sys, json; scope = {}; exec(sys.stdin.read(), scope); print(json.dumps(scope["solutions"]))'
  const printed = execFileSync('python3', ['-c', script], { input: gclientConfiguration(upstream) })
  const [solution, ...others] = JSON.parse(String(printed))
  t.is(others.length, 0)
  t.is(solution.url, `${upstream.repositories.v8!.url}@${upstream.repositories.v8!.revision}`)
  t.is(solution.custom_deps['v8/test/test262/data'], null)
  t.is(solution.custom_deps['v8/third_party/icu'], null)
  const { url, revision } = upstream.repositories['third_party/icu']!
  t.is(solution.custom_deps['../third_party/icu'], `${url}@${revision}`)
  t.false('../third_party/depot_tools' in solution.custom_deps)
})

test.serial('brings the same tree as the archive, and nothing that is not in it', async (t) => {
  const { project, fetch } = await start(t)
  const { code, stdout, stderr } = await fetch('--source', 'depot_tools')
  t.is(code, 0, stderr)
  t.regex(stdout, /V8 15\.0\.0\.1 with depot_tools/)
  t.is(git(project.tree, 'rev-parse', 'upstream^{tree}'), project.pin.tree)
  t.is(git(project.tree, 'status', '--porcelain'), '')
  t.deepEqual(readdirSync(join(project.cache, '15.0.0.1')).sort(), ['logs', 'v8'])
  // GN's source as well: whoever fetches may be about to leave the network.
  const [gn] = readdirSync(join(project.cache, 'toolchain'))
  t.true(existsSync(join(project.cache, 'toolchain', gn!, 'README.md')))

  const again = await fetch()
  t.is(again.stdout, 'fetch: V8 15.0.0.1 is there\n')
  const patched = await runV8(project, ['patch'])
  t.is(patched.code, 0, patched.stderr)
})

test.serial('asks the git host when nothing says where the sources are', async (t) => {
  const { project, server, fetch } = await start(t)
  const { code, stdout, stderr } = await fetch()
  t.is(code, 0, stderr)
  t.true(stdout.startsWith(`${new URL(server.url).host} answers, so the sources come from there`))
  t.is(git(project.tree, 'rev-parse', 'upstream^{tree}'), project.pin.tree)
})

test.serial(
  'takes the archive when the git host does not answer, or when one is named',
  async (t) => {
    const project = makeUpstreamProject()
    t.teardown(project.remove)
    // Port 9 takes nothing. Without apt, the archive is where the attempt ends.
    const nowhere = ['--mirror', 'http://127.0.0.1:9/']
    const silent = await runV8(project, ['fetch', ...nowhere])
    t.is(silent.code, 1)
    t.regex(silent.stdout, /^127\.0\.0\.1:9 does not answer, so the sources come from the archive/)
    t.regex(silent.stdout, /from chromium_1\.0\.orig\.tar\.xz/)

    const named = await runV8(project, ['fetch', ...nowhere, '--archive', project.archives])
    t.is(named.code, 0, named.stderr)
    t.notRegex(named.stdout, /answer/)
  },
)

test.serial('goes on after the server hangs up in the midst of objects', async (t) => {
  const { project, server, fetch } = await start(t, ({ repository: name, isFetch, count }) =>
    isFetch && name !== 'gn.git' && count <= 2 ? { hangUpAfter: 150 * count } : undefined,
  )
  const { code, stderr } = await fetch('--source', 'depot_tools')
  t.is(code, 0, stderr)
  t.true(server.faults.count >= 4, `${server.faults.count} faults`)
  t.regex(
    stderr,
    /warning: fetching https:\/\/git\.example\/depot_tools\.git: .*trying again in 1 s/,
  )
  t.regex(stderr, /warning: gclient sync: .*trying again/)
  t.is(git(project.tree, 'rev-parse', 'upstream^{tree}'), project.pin.tree)
})

test.serial(
  'gives up on a server that never answers well, and says what else there is',
  async (t) => {
    const { project, fetch } = await start(t, ({ repository: name }) =>
      name === 'chromium.git' ? { status: 503 } : undefined,
    )
    const { code, stderr } = await fetch('--source', 'depot_tools')
    t.is(code, 1)
    t.regex(
      stderr,
      /fetching https:\/\/git\.example\/chromium\.git has failed 5 times:\n(.*\n)*.*503/,
    )
    t.regex(stderr, /--mirror, or take the sources from the archive with --source archive/)
    t.false(existsSync(project.tree))
  },
)

test.serial('goes on after kill -9, with what is whole', async (t) => {
  const { project, server } = await start(t)
  const fetch = ['fetch', '--source', 'depot_tools', '--mirror', server.url]
  const checkout = join(project.cache, '15.0.0.1', 'checkout')
  for (const point of ['third_party/depot_tools/.git', 'chromium/.git', '.gclient', 'v8/.git']) {
    const run = await startV8(project, fetch, project.environment)
    // Not by blocking: the server lives in this process.
    while (!existsSync(join(checkout, point)) && run.child.exitCode === null) await sleep(1)
    run.killAll()
    t.is((await run.ended).signal, 'SIGKILL', `ended before ${point}`)
    t.false(existsSync(project.tree))
  }
  const { code, stderr } = await runV8(project, fetch, project.environment)
  t.is(code, 0, stderr)
  t.is(git(project.tree, 'rev-parse', 'upstream^{tree}'), project.pin.tree)
})

test.serial('names the folders in which a mirror has other files', async (t) => {
  const { project, fetch } = await start(t)
  project.pin.tree = '0'.repeat(40)
  project.pin.trees = { build: '1'.repeat(40), src: '2'.repeat(40) }
  project.writePin()
  const { code, stderr } = await fetch('--source', 'depot_tools')
  t.is(code, 1)
  t.regex(stderr, /expected git tree 0{40}\n {2}got {6}git tree [0-9a-f]{40}/)
  t.regex(
    stderr,
    /They differ in:\n {2}build: expected 1{40}, got [0-9a-f]{40}\n {2}src: expected 2{40}/,
  )
  t.false(existsSync(project.tree))
})

test.serial('names the files that the repositories lack', async (t) => {
  const { project, fetch } = await start(t)
  const depotTools = project.pin.repositories['third_party/depot_tools']
  // A repository that has other files than the release.
  project.pin.repositories['third_party/fp'] = depotTools
  project.writePin()
  const { code, stderr } = await fetch('--source', 'depot_tools')
  t.is(code, 1)
  t.regex(
    stderr,
    /lack 2 files that the release has:\n {2}third_party\/fp\/BUILD\.gn\n {2}third_party\/fp\/fp\.h/,
  )
})

test.serial(
  'refuses a pin that is broken or for another V8, and a list that is not its own',
  async (t) => {
    const { project, fetch } = await start(t)
    project.pin.v8 = '15.0.0.2'
    project.writePin()
    const other = await fetch('--source', 'depot_tools')
    t.regex(
      other.stderr,
      /pin\.json is not valid:\nit is for V8 15\.0\.0\.2, v8\.lock\.json pins 15\.0\.0\.1/,
    )
    project.pin.v8 = '15.0.0.1'
    project.pin.repositories.v8.revision = 'main'
    project.writePin()
    const broken = await fetch('--source', 'depot_tools')
    t.regex(broken.stderr, /pin\.json is not valid:\n(.*\n)*.*repositories\.v8\.revision/)
    const project2 = makeUpstreamProject()
    t.teardown(project2.remove)
    project2.pin.files.sha256 = '0'.repeat(64)
    project2.writePin()
    const pin = await loadPin(project2.project)
    const upstream = await loadUpstreamPin({ project: project2.project, pin })
    await t.throwsAsync(loadUpstreamFiles(project2.project, upstream!), {
      message: /list in it is not/,
    })
  },
)

test.serial('refuses GN from a repository that has another', async (t) => {
  const { project, fetch } = await start(t)
  project.pin.gn.tree = '0'.repeat(40)
  project.writePin()
  const { code, stderr } = await fetch('--source', 'depot_tools')
  t.is(code, 1)
  t.regex(stderr, /gn\.git at [0-9a-f]{10} is not the GN that is pinned/)
})

test.serial("reads mirrors, and takes git's own insteadOf as well", async (t) => {
  t.deepEqual(parseMirror('http://mirror.example/git'), { base: 'http://mirror.example/git/' })
  t.deepEqual(parseMirror('git.example=https://mirror.example/'), {
    host: 'git.example',
    base: 'https://mirror.example/',
  })
  t.throws(() => parseMirror('mirror.example'), { message: /"mirror\.example" is no mirror/ })

  const { project, server } = await start(t)
  const url = 'https://git.example/v8.git'
  const environment = (...mirrors: string[]) =>
    networkGitEnvironment(mirrors.map(parseMirror), [url])
  // As on a busy machine; what does not exist fails at once.
  const patience = 60_000
  t.true(await answersGit(url, environment(server.url), patience))
  t.true(
    await answersGit(
      url,
      environment(`git.example=${server.url}`, 'http://127.0.0.1:9/'),
      patience,
    ),
  )
  t.false(await answersGit(url, environment(`other.example=${server.url}`), patience))
  const config = join(project.root, 'gitconfig')
  writeFileSync(
    config,
    `[url "${server.url}"]\n\tinsteadOf = https://git.example/\n[core]\n\tautocrlf = true\n`,
  )
  const own = { ...environment(), GIT_CONFIG_GLOBAL: config }
  t.true(await answersGit(url, own, patience))
  const autocrlf = execFileSync('git', ['config', 'core.autocrlf'], { env: own, encoding: 'utf8' })
  t.is(autocrlf, 'false\n', 'what would change files is not taken from the user')
})

test.serial('asks the server for the wanted folders of a large repository alone', async (t) => {
  const { project, fetch } = await start(t, ({ repository: name, count }) =>
    // Stops where the checkout of Chromium can be looked at.
    name === 'v8.git' && count > 0 ? { status: 404 } : undefined,
  )
  await fetch('--source', 'depot_tools')
  const checkout = join(project.cache, '15.0.0.1', 'checkout', 'chromium')
  t.true(existsSync(join(checkout, 'build/config/BUILD.gn')))
  t.false(existsSync(join(checkout, 'chrome')))
  const missing = git(checkout, 'rev-list', '--objects', '--missing=print', 'HEAD')
  t.regex(missing, /^\?[0-9a-f]{40}$/m, 'the other files were fetched')
  t.is(readFileSync(join(checkout, 'build/config/BUILD.gn'), 'utf8'), '# build files\n')
})

test.serial('the doctor says whether the git host answers, and what gclient lacks', async (t) => {
  const { project, server } = await start(t)
  const ask = (environment: Record<string, string>, ...options: string[]) =>
    runV8(project, ['doctor', ...options], environment)
  const { host } = new URL(server.url)
  const [well, badly] = await Promise.all([
    ask({ ...project.environment, V8_RAWMEM_GIT_MIRROR: server.url }),
    ask({ PATH: join(project.root, 'nothing'), PYTHONPATH: '/nowhere' }, '--offline'),
  ])
  t.true(well.stdout.includes(`${host} answers git (--source depot_tools)`), well.stdout)
  t.regex(well.stdout, /python3 can run gclient/)
  t.regex(badly.stdout, /note +git\.example: not asked \(--offline\)/)
})

test.serial(
  'does without gclient where no Python can run it, and says what is lacking',
  async (t) => {
    const { project, server } = await start(t)
    const modules = join(project.root, 'modules', 'httplib2')
    writeFileSync(join(modules, '__init__.py'), 'raise ImportError\n')
    const fetch = ['fetch', '--mirror', server.url]
    const other = copyProject(project)
    t.teardown(other.remove)
    const [left, insisted] = await Promise.all([
      runV8(other, fetch, project.environment),
      runV8(project, [...fetch, '--source', 'depot_tools'], project.environment),
    ])
    t.regex(left.stdout, /^no python3 here can run gclient \(package python3-httplib2\)/)
    t.regex(left.stdout, /from chromium_1\.0\.orig\.tar\.xz/)
    t.is(insisted.code, 1)
    t.regex(
      insisted.stderr,
      /gclient needs a python3 .*httplib2\.\n.*apt-get install .*python3-httplib2/,
    )
  },
)

test.serial('stops gclient and its children on Ctrl-C', async (t) => {
  const { project, server } = await start(t, ({ repository: name }) =>
    name === 'v8.git' ? 'silence' : undefined,
  )
  const run = await startV8(
    project,
    ['fetch', '--source', 'depot_tools', '--mirror', server.url],
    project.environment,
  )
  while (server.faults.count === 0 && run.child.exitCode === null) await sleep(5)
  // To the command alone, as `kill` would: it has to tell its children.
  process.kill(run.child.pid!, 'SIGINT')
  const { code, stderr } = await run.ended
  t.is(code, 130, stderr)
  t.regex(stderr, /Interrupted\.\n {2}Run the same command again/)
  const left = () =>
    spawnSync('ps', ['-o', 'pid=,args=', '-g', String(run.child.pid)], { encoding: 'utf8' }).stdout
  const deadline = Date.now() + 10_000
  while (left() !== '' && Date.now() < deadline) await sleep(50)
  t.is(left(), '')
})
