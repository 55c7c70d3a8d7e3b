import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { findClang } from '../clang.ts'
import { defaultJobs } from '../compile/jobs.ts'
import type { BuildContext } from '../context.ts'
import { renameDurably, writeFileDurably } from '../durable-files.ts'
import { canonicalJson, sha256, sha256OfFile } from '../hash.ts'
import { manifestName, readSdkManifest, type SdkManifest } from '../package/sdk-manifest.ts'
import { hashPin } from '../pin.ts'
import { sayStage, warn } from '../terminal.ts'
import { clangTools, requireTools, tools } from '../tools.ts'
import { inspectAddon } from './inspect-addon.ts'
import { provideNodeApiHeaders } from './node-headers.ts'
import { type PrebuildManifest, readPrebuildManifest } from './prebuild-manifest.ts'
import { sourceHash } from './source-hash.ts'

/** The addon's file name in its prebuild folder. */
const addonName = 'v8-rawmem.node'

/** Compiles and links the Node addon against an SDK, and puts it into prebuilds/ with its manifest. */
export async function buildBinding(context: BuildContext, sdk: string): Promise<void> {
  const { pin, project, cache } = context
  await requireTools('build:binding', [
    tools.make,
    tools.python,
    tools.strip,
    tools.nm,
    ...clangTools(pin.toolchain.clang),
  ])
  const sdkManifest = await readSdkManifest(sdk)
  warnWhenStale(context, sdkManifest)
  const clang = await findClang(pin.toolchain.clang)
  const inputs = {
    schema: 1 as const,
    v8: sdkManifest.v8.version,
    lock: sdkManifest.lock,
    patches: sdkManifest.patches,
    modified: sdkManifest.modified,
    sdk: sha256(await readFile(join(sdk, manifestName))),
    sources: await sourceHash(project),
    compiler: clang.version,
  }
  const folder = join(project, 'prebuilds', sdkManifest.platform)
  if (await isUpToDate(folder, inputs)) {
    sayStage('build:binding', `${join(folder, addonName)} is up to date`)
    return
  }

  sayStage('build:binding', `against V8 ${sdkManifest.v8.version}`)
  const addon = await runNodeGyp(
    context,
    sdk,
    await provideNodeApiHeaders(cache.nodeHeaders),
    clang,
  )
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `${addonName}.new-${process.pid}`)
  try {
    await copyFile(addon, temporary)
    await $({ quiet: true })`strip --strip-unneeded ${temporary}`
    await inspectAddon(temporary)
    await requireLoads(temporary)
    const { size } = await stat(temporary)
    const manifest: PrebuildManifest = { ...inputs, size, sha256: await sha256OfFile(temporary) }
    await renameDurably(temporary, join(folder, addonName))
    await writeFileDurably(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    sayStage('build:binding', `${join(folder, addonName)} (${(size / 1e6).toFixed(1)} MB)`)
  } finally {
    await rm(temporary, { force: true })
  }
}

function warnWhenStale({ pin, series }: BuildContext, sdk: SdkManifest): void {
  const ours = series.patches.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n')
  const theirs = sdk.patches.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n')
  if (sdk.lock === hashPin(pin) && ours === theirs && !sdk.modified) return
  warn(
    'the SDK was made from another v8.lock.json or other patches than are here; the prebuild will count as stale. "npm run v8 -- all" makes a new SDK.',
  )
}

async function isUpToDate(
  folder: string,
  inputs: Omit<PrebuildManifest, 'size' | 'sha256'>,
): Promise<boolean> {
  const manifest = await readPrebuildManifest(folder)
  if (!manifest) return false
  const { size: _, sha256: expected, ...madeFrom } = manifest
  if (canonicalJson(madeFrom) !== canonicalJson(inputs)) return false
  const found = await sha256OfFile(join(folder, addonName)).catch(() => undefined)
  return found === expected
}

/** @returns the path of the addon */
async function runNodeGyp(
  { cache, project, signal }: BuildContext,
  sdk: string,
  nodeDirectory: string,
  clang: { cc: string; cxx: string },
): Promise<string> {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const environment = {
    ...process.env,
    CC: clang.cc,
    CXX: clang.cxx,
    AR: 'ar',
    // The checkout's place must not get into the addon.
    CXXFLAGS: `-ffile-prefix-map=${project}=. -ffile-prefix-map=${sdk}=sdk`,
    // The user's npm configuration may name the headers of a Node release.
    npm_config_nodedir: nodeDirectory,
    V8_RAWMEM_SDK: sdk,
  }
  const run = $({
    cwd: join(project, 'bindings'),
    env: environment,
    signal,
    nothrow: true,
    quiet: true,
  })
  const release = join(project, 'bindings', 'build', 'Release')
  const built =
    await run`${process.execPath} ${nodeGyp} configure build --release --jobs=${defaultJobs()} --nodedir=${nodeDirectory} --loglevel=warn`
  signal.throwIfAborted()
  if (built.exitCode !== 0) {
    const logPath = join(cache.logs, 'binding.log')
    await mkdir(cache.logs, { recursive: true })
    await writeFile(logPath, built.stdall)
    throw new BuildError(
      `node-gyp could not build the binding:\n${built.stdall.trimEnd().split('\n').slice(-60).join('\n')}`,
      `The whole output is in ${logPath}. Mend the cause and run npm run build:binding again.`,
    )
  }
  const addons = (await readdir(release)).filter((name) => name.endsWith('.node'))
  if (addons.length !== 1) {
    throw new BuildError(
      `bindings/build/Release should have one addon, but has: ${addons.join(', ') || 'none'}.`,
      'Remove bindings/build and run npm run build:binding again.',
    )
  }
  return join(release, addons[0]!)
}

/** A link that left something open shows only when the addon is loaded. */
async function requireLoads(addon: string): Promise<void> {
  const script = `process.dlopen({ exports: {} }, ${JSON.stringify(addon)})`
  const loaded = await $({ quiet: true, nothrow: true })`${process.execPath} -e ${script}`
  if (loaded.exitCode === 0) return
  throw new BuildError(
    `Node cannot load the addon that was built:\n${loaded.stderr.trim()}`,
    'Compare the libraries and link flags in bindings/binding.gyp with those in lib/pkgconfig of the SDK.',
  )
}
