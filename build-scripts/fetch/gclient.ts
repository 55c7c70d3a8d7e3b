import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { which } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { $ } from '../shared/shell.ts'
import { startProgress, warn } from '../shared/terminal.ts'
import { installCommand } from '../shared/toolchain.ts'
import { type NetworkGit, removeLocks, retryNetwork } from './git-network.ts'
import { depotToolsPath, type UpstreamPin } from './upstream-pin.ts'

/** The one solution, and where it lies. */
const solution = 'v8'

/**
 * The configuration for gclient: V8 at the pinned commit. What its DEPS names is left out, and what is wanted is added
 * at the places and in the revisions that Chromium's release has: V8's DEPS at the same commit names others for some, and
 * the archive has Chromium's.
 */
export function gclientConfiguration(pin: UpstreamPin): string {
  const customDeps: Record<string, string | null> = {}
  for (const name of pin.leftOut) customDeps[`${solution}/${name}`] = null
  for (const path of gclientPaths(pin)) {
    const { url, revision } = pin.repositories[path]!
    // Names are relative to the solution; "../" puts them beside it, as in Chromium's tree.
    if (path !== solution) customDeps[`../${path}`] = `${url}@${revision}`
  }
  const { url, revision } = pin.repositories[solution]!
  const solutions = [
    {
      name: solution,
      url: `${url}@${revision}`,
      deps_file: 'DEPS',
      managed: true,
      custom_deps: customDeps,
      custom_hooks: [],
      custom_vars: {
        checkout_android: false,
        checkout_benchmarks: false,
        checkout_fuchsia: false,
        checkout_instrumented_libraries: false,
        checkout_ittapi: false,
      },
    },
  ]
  return [
    '# Written by the build scripts of v8-rawmem; changes are lost.',
    // With these names, JSON is Python.
    'null, true, false = None, True, False',
    `solutions = ${JSON.stringify(solutions, null, 2)}`,
    "target_os = ['linux']",
    'target_os_only = True',
    "target_cpu = ['x64']",
    'target_cpu_only = True',
    '',
  ].join('\n')
}

/** The places of the repositories that gclient brings: all but its own. */
function gclientPaths(pin: UpstreamPin): string[] {
  return Object.keys(pin.repositories).filter((path) => path !== depotToolsPath)
}

/** How gclient is run. */
interface GclientRun {
  readonly network: NetworkGit
  /** The folder with depot_tools and the repositories, laid out as Chromium's tree. */
  readonly checkout: string
  readonly python: string
  /** The folder for its log. */
  readonly logs: string
}

/** Has gclient bring every repository to its pinned revision, as often as it takes. */
export async function gclientSync(pin: UpstreamPin, run: GclientRun): Promise<void> {
  const { checkout, logs } = run
  await writeFile(join(checkout, '.gclient'), gclientConfiguration(pin))
  await mkdir(logs, { recursive: true })
  const paths = gclientPaths(pin)
  const whole = async () => {
    let count = 0
    for (const path of paths) {
      const { revision } = pin.repositories[path]!
      if ((await headOf(join(checkout, path), run)) === revision) count++
    }
    return count
  }
  const progress = startProgress('gclient sync', paths.length, 'steps', await whole())
  try {
    await retryNetwork(
      'gclient sync',
      checkout,
      async () => {
        await removeBroken(paths, run)
        // gclient writes GN arguments to where V8's DEPS has "build", which is left out.
        await mkdir(join(checkout, solution, 'build', 'config'), { recursive: true })
        await syncOnce(run, (done) => progress.update(Math.min(done, paths.length)))
      },
      whole,
    )
    progress.update(await whole())
    progress.end()
  } catch (error) {
    progress.abandon()
    throw error
  }
}

async function syncOnce(run: GclientRun, report: (done: number) => void): Promise<void> {
  const { network, checkout, python, logs } = run
  const gclient = join(checkout, depotToolsPath, 'gclient.py')
  const options = [
    // What a failed attempt left in the work trees goes.
    ...['--force', '--reset'],
    ...['--nohooks', '--noprehooks'],
    // A tenth of the bytes. An interrupted repository is begun anew: gclient would go on with all of its history.
    '--no-history',
    ...['--ignore-dep-type=cipd', '--ignore-dep-type=gcs'],
    '--jobs=4',
  ]
  const log = createWriteStream(join(logs, 'gclient.log'), { flags: 'a' })
  const shell = network.shell(checkout, {
    // gclient would otherwise update itself, call home, and fetch tools of its own.
    DEPOT_TOOLS_UPDATE: '0',
    DEPOT_TOOLS_METRICS: '0',
    DEPOT_TOOLS_COLLECT_METRICS: '0',
    DEPOT_TOOLS_REPORT_BUILD: '0',
    GCLIENT_SUPPRESS_GIT_VERSION_WARNING: '1',
    GCLIENT_SUPPRESS_SUBMODULE_WARNING: '1',
    GCLIENT_FILE: '.gclient',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    NO_COLOR: '1',
    PATH: `${dirname(gclient)}:${process.env.PATH}`,
  })
  const child = shell`exec ${python} -B ${gclient} sync ${options}`
  child.stdout.on('data', (chunk) => {
    const counts = [...String(chunk).matchAll(/\( *(\d+)\/ *(\d+)\)/g)]
    const last = counts.at(-1)
    if (last) report(Number(last[1]))
  })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  try {
    await child
  } finally {
    log.end()
  }
}

/**
 * Removes the repositories in which gclient was interrupted. They have no commit yet, and gclient would fetch all of
 * their history where the commit alone is wanted.
 */
async function removeBroken(paths: readonly string[], run: GclientRun): Promise<void> {
  // Where gclient puts what stands in its way.
  await rm(join(run.checkout, '_bad_scm'), { recursive: true, force: true })
  for (const path of paths) {
    const folder = join(run.checkout, path)
    if (!existsSync(join(folder, '.git'))) continue
    await removeLocks(folder)
    if ((await headOf(folder, run)) !== undefined) continue
    warn(`${path} was not fetched to its end; beginning it anew`)
    // Others lie in folders of it, and are kept.
    const inner = paths.filter((other) => other.startsWith(`${path}/`))
    await rm(inner.length > 0 ? join(folder, '.git') : folder, { recursive: true, force: true })
  }
}

/** The commit that is checked out. */
function headOf(folder: string, { network }: GclientRun): Promise<string | undefined> {
  return network.resolve(folder, 'HEAD^{commit}')
}

/** What gclient imports beyond Python's own library, and the Debian package that has it. */
export const gclientModule = { name: 'httplib2', debianPackage: 'python3-httplib2' }

const probe = `import sys, ${gclientModule.name}, ${gclientModule.name}.socks; sys.exit(sys.version_info < (3, 11))`

/**
 * A Python that can run gclient: 3.11 with httplib2. The system's is tried as well, for its packages are not seen by a
 * Python that the user put in front of it.
 */
export async function findGclientPython(): Promise<string | undefined> {
  const found = (await which('python3', { all: true, nothrow: true })) ?? []
  for (const python of new Set([...found, '/usr/bin/python3'])) {
    const { exitCode } = await $({ nothrow: true })`${python} -B -c ${probe}`
    if (exitCode === 0) return python
  }
  return undefined
}

/** The same, or an error that says how to get one. */
export async function requireGclientPython(): Promise<string> {
  const python = await findGclientPython()
  if (python) return python
  throw new AdvisedError(
    `gclient needs a python3 of version 3.11 or later with the module ${gclientModule.name}.`,
    `Install with: ${installCommand(['python3', gclientModule.debianPackage])}\nOr take the sources from the archive: --source archive`,
  )
}
