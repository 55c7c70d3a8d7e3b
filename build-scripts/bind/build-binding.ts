import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import {
  damagedFiles,
  manifestName,
  readSdkManifest,
  type SdkManifest,
} from '../package/sdk-manifest.ts'
import { withLock } from '../shared/command.ts'
import type { BuildContext } from '../shared/context.ts'
import { sha256OfFile } from '../shared/hash.ts'
import type { LockOptions } from '../shared/lock.ts'
import { hashPin } from '../shared/pin.ts'
import { shorten, warn } from '../shared/terminal.ts'
import { clangTools, findCompiler, requireTools, tools } from '../shared/toolchain.ts'
import { providePrebuild } from './prebuild.ts'
import { requireLockedPackages } from './source-hash.ts'

export interface BindingOptions {
  readonly sdk?: string
  readonly nodeBackends?: boolean
}

/** Builds the addons, under the locks of what they are made from and of this checkout. */
export async function bind(
  context: BuildContext,
  { nodeBackends, wait, ...options }: BindingOptions & LockOptions,
): Promise<void> {
  const { cache, project, target } = context
  if (target.variant) {
    throw new AdvisedError(
      'The addons in prebuilds/ are what is published, and no variant is.',
      `For tests on it, run: npm run test:sanitize -- --variant ${target.variant}`,
    )
  }
  const sdk = options.sdk ? resolve(options.sdk) : join(cache.sdk, 'current')
  const build = async () => {
    if (nodeBackends) return await buildNodeBackends(context)
    if (existsSync(sdk)) return await buildBinding(context, realpathSync(sdk))
    throw new AdvisedError(
      `There is no V8 SDK in ${sdk}.`,
      options.sdk
        ? 'Name an unpacked SDK with --sdk.'
        : 'Make one with "npm run v8 -- all", or name one with --sdk. Without one, --node-backends builds what needs no V8.',
    )
  }
  const lock = join(project, 'bindings', 'build.lock')
  const advice = 'Wait for it to end, or leave out --no-wait.'
  const locked = () => withLock(cache, lock, 'build:binding', { wait, advice }, build)
  // Packaging V8 removes older SDKs from the cache, under this lock. It is always taken before the
  // lock of the checkout.
  if (nodeBackends || !sdk.startsWith(`${cache.sdk}/`)) await locked()
  else await withLock(cache, cache.lock, 'build:binding', { wait }, locked)
}

/** Compiles and links both addons, the one with V8 inside against an SDK, and puts them into prebuilds/. */
async function buildBinding(context: BuildContext, sdk: string): Promise<void> {
  const { pin, target, project } = context
  await requireTools('build:binding', [...makeTools, ...clangTools(pin.toolchain.clang)])
  await requireLockedPackages(project)
  const sdkManifest = await readSdkManifest(sdk)
  if (sdkManifest.platform !== target.platform) {
    throw new AdvisedError(
      `The SDK in ${sdk} is for ${sdkManifest.platform}, and the addons are to be for ${target.platform}.`,
      'Name the platform with --target, or another SDK with --sdk.',
    )
  }
  await requireWholeSdk(sdk)
  warnWhenStale(context, sdkManifest)
  const clang = await context.clang()
  const { v8, lock, patches, modified, platform } = sdkManifest
  const common = { compiler: clang, folder: join(project, 'prebuilds', platform) }
  await providePrebuild(context, { ...common, title: withoutV8 })
  await providePrebuild(context, {
    ...common,
    title: `against V8 ${v8.version}`,
    engine: {
      folder: sdk,
      inputs: {
        ...{ v8: v8.version, lock, patches, modified },
        sdk: await sha256OfFile(join(sdk, manifestName)),
      },
    },
  })
}

/** Only the addon without V8, by whatever C++ compiler there is. */
async function buildNodeBackends(context: BuildContext): Promise<void> {
  const { pin, target, project } = context
  if (process.platform !== 'linux') {
    throw new AdvisedError(
      `The backends on Node's own V8 are for Linux; this is ${process.platform}.`,
      'Use a Linux machine, a container or a virtual machine.',
    )
  }
  await requireTools('build:binding', makeTools)
  await requireLockedPackages(project)
  const compiler = target.cross ? await context.clang() : await findCompiler(pin.toolchain.clang)
  const folder = join(project, 'prebuilds', target.platform)
  await providePrebuild(context, {
    compiler,
    folder,
    title: `${withoutV8}, by ${compiler.version}`,
  })
}

const withoutV8 = "the backends on Node's own V8"
const makeTools = [tools.make, tools.python, tools.nm, tools.objcopy, tools.readelf]

async function requireWholeSdk(sdk: string): Promise<void> {
  const damaged = await damagedFiles(sdk)
  if (damaged.length === 0) return
  throw new AdvisedError(
    `The SDK in ${sdk} is damaged: ${shorten(damaged, 5)} ${damaged.length === 1 ? 'is' : 'are'} not what its manifest says.`,
    'Unpack it again. For the one in the cache, run: npm run v8 -- package',
  )
}

function warnWhenStale({ pin, series }: BuildContext, sdk: SdkManifest): void {
  const ours = series.patches.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n')
  const theirs = sdk.patches.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n')
  if (sdk.lock === hashPin(pin) && ours === theirs && !sdk.modified) return
  warn(
    'the SDK was made from another v8.lock.json or other patches than are here; the prebuild will count as stale. "npm run v8 -- all" makes a new SDK.',
  )
}
