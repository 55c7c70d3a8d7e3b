import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Diagnosis, fetchCommand, refusal } from '../../bindings/addon/load-error.ts'
import {
  engineAddon,
  installedFolder,
  nodeAddon,
  ownFolder,
  ownFolderPath,
  platformName,
  platformPackage,
  thisPlatform,
  version,
} from '../../bindings/addon/platform.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { checkAddons } from './check-addons.ts'
import { integrityOf } from './integrity.ts'
import { readFromMirror } from './mirror.ts'
import { fetchByNpm } from './npm.ts'
import { type ReleasedPackage, readReleaseRecord } from './release-record.ts'
import { installTarget } from './target.ts'
import { makeFolder, unpack } from './unpack.ts'

export interface InstallOptions {
  /** A folder with the files of the release, or its URL; npm fetches them without one. */
  readonly mirror: string | undefined
  /** Whether to fetch addons that are already there. */
  readonly force: boolean
  /** Receives progress messages. */
  readonly say: (line: string) => void
  readonly signal?: AbortSignal
}

/**
 * Makes sure that the platform's addons are there: installed by the package manager, or fetched.
 */
export async function install({ mirror, force, say, signal }: InstallOptions): Promise<void> {
  const chosen = process.env.V8_RAWMEM_BINDING
  if (chosen && !force) {
    if (!existsSync(chosen)) {
      throw new AdvisedError(
        `V8_RAWMEM_BINDING names a file that does not exist: ${chosen}`,
        'Correct V8_RAWMEM_BINDING, or unset it.',
      )
    }
    say(`V8_RAWMEM_BINDING names the binding, ${chosen}: nothing to install`)
    return
  }
  const target = installTarget()
  const refused = refusal(target)
  if (refused) throw asError(refused)
  const name = platformName(target)
  // Addons for another machine cannot be tried here.
  const here = thisPlatform()
  const isForHere = name === platformName(here) && target.libc === here.libc
  const stand = isForHere ? checkAddons : isComplete

  if (!force) {
    const problems: Diagnosis[] = []
    for (const folder of [ownFolder(name), installedFolder(name)]) {
      if (folder?.version !== version) continue
      const problem = await stand(folder.path)
      if (problem === undefined) {
        say(`${platformPackage(name)} ${version} is there: ${folder.path}`)
        return
      }
      problems.push(problem)
    }
    const lasting = problems.find(({ problem }) => problem === 'node' || problem === 'old-glibc')
    if (lasting) throw asError(lasting)
  }

  const released = readReleaseRecord()?.[platformPackage(name)]
  if (released === undefined) {
    throw new AdvisedError(
      'This v8-rawmem does not know the checksum of its binding, because it is not from "npm run release"',
      'In a checkout: npm ci. Elsewhere, install a released version.',
    )
  }
  const spec = `${platformPackage(name)}@${version}`
  const path = ownFolderPath(name)
  try {
    await makeFolder(path, async (folder) => {
      await unpack(await obtain(released, spec, mirror, folder, say, signal), folder)
      const problem = await stand(folder)
      // Ctrl-C also ends the child process that loads the addons; that is no failure of the addons.
      signal?.throwIfAborted()
      if (problem) throw asError(problem)
    })
  } catch (cause) {
    const { syscall, message } = cause as NodeJS.ErrnoException
    if (syscall === undefined) throw cause
    throw new AdvisedError(
      `The binding cannot be put into ${path}: ${message}`,
      `Make room, remove what is in the way or grant the right to write there, and run "${fetchCommand}".`,
      { cause },
    )
  }
  say(`${platformPackage(name)} ${version} is in ${path}`)
}

function asError({ reason, advice, cause }: Diagnosis): AdvisedError {
  return new AdvisedError(reason, advice.map((line) => line.trim()).join(' '), { cause })
}

async function isComplete(folder: string): Promise<Diagnosis | undefined> {
  const missing = [engineAddon, nodeAddon].filter((name) => !existsSync(join(folder, name)))
  if (missing.length === 0) return undefined
  return {
    problem: 'not-installed',
    reason: `${folder} has no ${missing.join(' and no ')}`,
    advice: [],
  }
}

/** Fetches exactly the released tarball, through an empty folder. */
async function obtain(
  { filename, size, integrity }: ReleasedPackage,
  spec: string,
  mirror: string | undefined,
  folder: string,
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  let tarball: Uint8Array
  if (mirror) {
    say(`fetching ${filename} from the mirror`)
    tarball = await readFromMirror(mirror, { filename, size }, signal)
  } else {
    say(`fetching ${spec} by npm`)
    tarball = await fetchByNpm(spec, folder, signal)
  }
  const found = integrityOf(tarball)
  if (found === integrity) return tarball
  throw new AdvisedError(
    `EINTEGRITY: ${mirror ? `${filename} of the mirror` : spec} is not what was released: ${tarball.length} bytes with ${found}, not ${integrity}`,
    'It was damaged on the way or exchanged. Remove it from the mirror or cache (npm cache clean --force) and install again.',
  )
}
