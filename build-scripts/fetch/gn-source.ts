import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { isStamped, renameDurably, stamp, stampedResult } from '../shared/files.ts'
import { sha256OfFile, sha256OfJson } from '../shared/hash.ts'
import { warn } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { extract, obtain } from './archives.ts'
import { type Mirror, NetworkGit, retryNetwork } from './git-network.ts'
import type { Sources } from './sources.ts'
import { requireUpstreamPin, type UpstreamPin } from './upstream-pin.ts'

/** Where GN's source lies and GN is built, and the stamps of these steps. */
export function gnPlaces({ pin, cache }: BuildContext) {
  const key = sha256OfJson({ source: pin.gn.archive.sha256, commit: pin.gn.commit })
  const folder = join(cache.toolchain, `gn-${key.slice(0, 12)}`)
  return {
    key,
    folder,
    program: join(folder, 'out', 'gn'),
    sourceStamp: join(folder, 'source.json'),
    builtStamp: join(folder, 'stamp.json'),
  }
}

/** Whether GN is there, and the one that was built. */
export async function isGnBuilt(context: BuildContext): Promise<boolean> {
  const { key, program, builtStamp } = gnPlaces(context)
  if (!(await isStamped(builtStamp, key))) return false
  const found = await sha256OfFile(program).catch(() => undefined)
  const built = await stampedResult(builtStamp)
  return found !== undefined && (built === undefined || found === built)
}

/** Brings GN's source to where it is built, unless that is done: out of the archive, or from its repository. */
export async function fetchGn(context: BuildContext, sources: Sources): Promise<void> {
  const { archive } = context.pin.gn
  const { key, folder, program, sourceStamp, builtStamp } = gnPlaces(context)
  if (await isGnBuilt(context)) return
  if (await isStamped(builtStamp, key)) {
    warn(`${program} is not as it was built; building it again`)
    await rm(folder, { recursive: true, force: true })
  }
  if (await isStamped(sourceStamp, key)) return
  const unpacking = `${folder}.unpacking`
  await rm(unpacking, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  if ((await sources.kindFor(context, archive)) === 'archive') {
    await requireTools('fetch', [tools.tar, tools.gzip])
    await extract(await obtain(context, archive, sources), unpacking, [])
  } else {
    await cloneGn(await requireUpstreamPin(context), unpacking, sources.mirrors)
  }
  await renameDurably(unpacking, folder)
  await stamp(sourceStamp, key)
}

/** Puts the pinned GN's sources into `folder`, from its repository; they must be those of the pinned archive. */
async function cloneGn(
  { gn }: UpstreamPin,
  folder: string,
  mirrors: readonly Mirror[],
): Promise<void> {
  const network = new NetworkGit(mirrors, [gn.url])
  await retryNetwork(`cloning ${gn.url}`, folder, async () => {
    await rm(folder, { recursive: true, force: true })
    // All of its history, some megabytes: a server can be asked for a whole hash only, and the pin has a short one.
    const options = ['--quiet', '--template=', '--no-checkout']
    await network.run(dirname(folder), 'clone', ...options, gn.url, folder)
  })
  const tree = await network.resolve(folder, `${gn.revision}^{tree}`)
  if (tree !== gn.tree) {
    throw new AdvisedError(
      `${gn.url} at ${gn.revision} is not the GN that is pinned:\n  expected git tree ${gn.tree}\n  got      git tree ${tree ?? '(no such commit)'}`,
      'Take it from the archive instead: --source archive, or --archive <place>',
    )
  }
  await network.run(folder, 'checkout', '--quiet', '--detach', gn.revision)
  await rm(join(folder, '.git'), { recursive: true })
}
