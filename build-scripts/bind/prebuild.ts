import { copyFile, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { renameDurably, withTemporary } from '../shared/files.ts'
import { canonicalJson, sha256OfFile } from '../shared/hash.ts'
import { $ } from '../shared/shell.ts'
import { sayStage } from '../shared/terminal.ts'
import type { Compiler } from '../shared/toolchain.ts'
import { checkAddon } from './check-addon.ts'
import { describePrebuild } from './describe-prebuild.ts'
import { runNodeGyp } from './node-gyp.ts'
import { isForOlderGlibc, requireOlderGlibc } from './older-glibc.ts'
import {
  addonNames,
  type EngineAddon,
  type NodeAddon,
  type PrebuildManifest,
  prebuildSchema,
  readPrebuildManifest,
  writePrebuildManifest,
} from './prebuild-manifest.ts'
import { sourceHash } from './source-hash.ts'
import { hasDebugFile, moveSymbols, objcopyFor } from './symbols.ts'

interface Prebuild {
  /** prebuilds/ of a platform. */
  readonly folder: string
  readonly title: string
  readonly compiler: Compiler
  /** For the addon with V8 inside: the SDK that it is linked against, and what the manifest says of that. */
  readonly engine?: {
    readonly folder: string
    readonly inputs: Omit<EngineAddon, keyof NodeAddon>
  }
}

/**
 * Puts an addon with its documents, its licences and its entry in the manifest into prebuilds/, and its symbols into the
 * cache, unless those of the same inputs are there.
 */
export async function providePrebuild(
  context: BuildContext,
  { folder, title, compiler, engine }: Prebuild,
): Promise<void> {
  const { project, target, cache } = context
  const kind = engine ? 'engine' : 'node'
  const name = addonNames[kind]
  const path = join(folder, name)
  const inputs = {
    ...engine?.inputs,
    sources: await sourceHash(project),
    compiler: compiler.version,
    libraries: compiler.libraries,
  }
  const manifest = await readPrebuildManifest(folder)
  const made = manifest?.[kind]
  if (
    made &&
    canonicalJson({ ...made, ...inputs }) === canonicalJson(made) &&
    (await checkAddon(path, project)).length === 0 &&
    (await hasDebugFile(path, cache.symbols))
  ) {
    sayStage('build:binding', `${path} is up to date`)
    return
  }
  sayStage('build:binding', title)
  const { path: built, linked } = await runNodeGyp(context, {
    ...compiler,
    folder: `bindings/native/${engine ? 'patched' : 'node'}`,
    ...(engine && { sdk: engine.folder }),
  })
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `${name}.new-${process.pid}`)
  await withTemporary(temporary, async () => {
    await copyFile(built, temporary)
    await moveSymbols(temporary, name, cache.symbols, objcopyFor(target))
    await inspectAddon(temporary)
    if (isForOlderGlibc(compiler)) await requireOlderGlibc(temporary)
    if (!target.cross) await requireLoads(temporary)
    const { size } = await stat(temporary)
    const entry = { ...inputs, size, sha256: await sha256OfFile(temporary) }
    const next = { schema: prebuildSchema, ...manifest, [kind]: entry } as PrebuildManifest
    // First, for it refuses licences.
    await describePrebuild({ project, addon: path, entry, linked, sdk: engine?.folder })
    await renameDurably(temporary, path)
    await writePrebuildManifest(folder, next)
    sayStage('build:binding', `${path} (${(size / 1e6).toFixed(1)} MB)`)
  })
}

/** A link that left something open shows only when the addon is loaded. */
async function requireLoads(addon: string): Promise<void> {
  const script = `process.dlopen({ exports: {} }, ${JSON.stringify(addon)})`
  const loaded = await $({ nothrow: true })`${process.execPath} -e ${script}`
  if (loaded.exitCode === 0) return
  throw new AdvisedError(
    `Node cannot load the addon that was built:\n${loaded.stderr.trim()}`,
    'Compare the libraries and link flags in binding.gyp with those in lib/pkgconfig of the SDK.',
  )
}

// The names by which Node finds a Node-API addon's beginning and the version it asks for.
const entryPoints = new Set(['napi_register_module_v1', 'node_api_module_get_api_version_v1'])

/**
 * Fails for an addon that exports or imports symbols it must not. Node's executable exports its own
 * V8. The dynamic linker would bind a V8 symbol of the addon to it, and the process would crash.
 */
export async function inspectAddon(addon: string): Promise<void> {
  const shown = await dynamicSymbols(addon, '--defined-only')
  const sought = await dynamicSymbols(addon, '--undefined-only')
  const wrong = [
    ...shown.filter((name) => !entryPoints.has(name)).map((name) => `exports ${name}`),
    ...sought
      .filter((name) => /^(_Z.*2v8|uv_|_ZN?K?4node)/.test(name))
      .map((name) => `seeks ${name}`),
  ]
  if (wrong.length === 0) return
  const more = wrong.length > 10 ? `\n  and ${wrong.length - 10} more` : ''
  throw new AdvisedError(
    `${addon} must export only Node-API's entry points and take no symbol of V8 from Node, but\n  ${wrong.slice(0, 10).join('\n  ')}${more}`,
    'Look at visibility and link flags in bindings/native/*/binding.gyp.',
  )
}

async function dynamicSymbols(addon: string, which: string): Promise<string[]> {
  const listed = await $`nm --dynamic --format=just-symbols ${which} ${addon}`
  return listed.stdout
    .split('\n')
    .map((name) => name.split('@')[0]!)
    .filter(Boolean)
}
