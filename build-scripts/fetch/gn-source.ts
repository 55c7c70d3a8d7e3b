import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { isStamped, renameDurably, stamp, stampedResult } from '../shared/files.ts'
import { sha256OfFile, sha256OfJson } from '../shared/hash.ts'
import { warn } from '../shared/terminal.ts'
import { extract, obtain } from './archives.ts'
import { type Mirror, NetworkGit } from './git-network.ts'
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
  const found = await sha256OfFile(program, context.signal).catch(() => undefined)
  const built = await stampedResult(builtStamp)
  return found !== undefined && (built === undefined || found === built)
}

/** Brings GN's source into the cache, unless GN is built: the archive as it is, or its repository's files. */
export async function fetchGnSource(context: BuildContext, sources: Sources): Promise<void> {
  const { pin } = context
  const { key, sourceStamp } = gnPlaces(context)
  if (await isGnBuilt(context)) return
  await removeDamagedGn(context)
  if (await isStamped(sourceStamp, key)) return
  if ((await sources.kindFor(context, pin.gn.archive)) === 'archive') {
    await obtain(context, pin.gn.archive, sources)
    return
  }
  await putSource(context, async (unpacking) => {
    await cloneGn(context, await requireUpstreamPin(context), unpacking, sources.mirrors)
  })
}

/** Lays GN's source out where it is built. */
export async function provideGnSource(context: BuildContext, sources: Sources): Promise<void> {
  const { pin } = context
  const { key, sourceStamp } = gnPlaces(context)
  await fetchGnSource(context, sources)
  if (await isStamped(sourceStamp, key)) return
  const archive = await obtain(context, pin.gn.archive, sources)
  await putSource(context, (unpacking) => extract(archive, unpacking, [], context))
}

/** A GN that is not as it was built goes, with the source that it came from. */
async function removeDamagedGn(context: BuildContext): Promise<void> {
  const { key, folder, program, builtStamp } = gnPlaces(context)
  if (!(await isStamped(builtStamp, key))) return
  warn(`${program} is not as it was built; building it again`)
  await rm(folder, { recursive: true, force: true })
}

/** Puts GN's source in its place when it is whole. */
async function putSource(
  context: BuildContext,
  fill: (unpacking: string) => Promise<void>,
): Promise<void> {
  const { key, folder, sourceStamp } = gnPlaces(context)
  const unpacking = `${folder}.unpacking`
  await rm(unpacking, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  await fill(unpacking)
  await renameDurably(unpacking, folder)
  await stamp(sourceStamp, key)
}

/** Puts the pinned GN's sources into `folder`, from its repository; they must be those of the pinned archive. */
async function cloneGn(
  context: BuildContext,
  { gn }: UpstreamPin,
  folder: string,
  mirrors: readonly Mirror[],
): Promise<void> {
  const network = new NetworkGit(context, mirrors, [gn.url])
  await network.retry(`cloning ${gn.url}`, folder, async () => {
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
