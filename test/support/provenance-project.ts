import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describePrebuild } from '../../build-scripts/bind/describe-prebuild.ts'
import {
  addonNames,
  type EngineAddon,
  prebuildSchema,
} from '../../build-scripts/bind/prebuild-manifest.ts'
import { sourceHash } from '../../build-scripts/bind/source-hash.ts'
import { pack } from '../../build-scripts/package/package.ts'
import { sdkLicences, sdkSources } from '../../build-scripts/package/sdk-files.ts'
import {
  manifestName,
  type SdkManifest,
  sdkSchema,
  writeSdkDocuments,
} from '../../build-scripts/package/sdk-manifest.ts'
import { component } from '../../build-scripts/provenance/component.ts'
import { v8InputsOf } from '../../build-scripts/provenance/statement.ts'
import { sha256 } from '../../build-scripts/shared/hash.ts'
import { argsOf, hashPin, loadPin, readSeries } from '../../build-scripts/shared/pin.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A checkout with the lock file, the patches and the binding's sources of this one, and artifacts that are small. */
export interface ProvenanceProject {
  readonly root: string
  readonly project: string
  /** The folder of a platform's addons. */
  readonly prebuild: string
  readonly addon: string
  readonly sdkArchive: string
  remove(): void
}

/** @param linked files that the linker is to have taken from the system */
export async function makeProvenanceProject(
  linked: readonly string[] = [],
): Promise<ProvenanceProject> {
  const made = projectAt(mkdtempSync(join(tmpdir(), 'v8-rawmem-provenance-')))
  try {
    await fill(made, linked)
    return made
  } catch (error) {
    made.remove()
    throw error
  }
}

async function fill(made: ProvenanceProject, linked: readonly string[]): Promise<void> {
  const { root, project, prebuild, addon } = made
  mkdirSync(project)
  for (const path of [
    'bindings',
    'build-scripts',
    'patches',
    'LICENSE',
    'LICENSE.v8',
    'package.json',
    'package-lock.json',
    'v8.lock.json',
  ]) {
    cpSync(join(repository, path), join(project, path), {
      recursive: true,
      filter: (file) => !/native\/\w+\/build$/.test(file),
    })
  }
  symlinkSync(join(repository, 'node_modules'), join(project, 'node_modules'))

  const { folder: sdk, manifest } = await makeSdk(root, project)
  write(addon, 'an addon')
  const entry: EngineAddon = {
    v8: manifest.v8.version,
    lock: manifest.lock,
    patches: manifest.patches,
    modified: false,
    sdk: sha256(readFileSync(join(sdk, manifestName))),
    sources: await sourceHash(project),
    compiler: manifest.compiler,
    libraries: manifest.libraries,
    size: 8,
    sha256: sha256('an addon'),
  }
  write(join(prebuild, 'manifest.json'), JSON.stringify({ schema: prebuildSchema, engine: entry }))
  await describePrebuild({ project, addon, entry, linked, sdk })
  await packSdk(made, sdk, manifest)
}

/** The same files in a folder of their own. */
export function copyProvenanceProject(original: ProvenanceProject): ProvenanceProject {
  const copy = projectAt(mkdtempSync(join(tmpdir(), 'v8-rawmem-provenance-')))
  cpSync(original.root, copy.root, { recursive: true, verbatimSymlinks: true })
  return copy
}

function projectAt(root: string): ProvenanceProject {
  const project = join(root, 'project')
  const prebuild = join(project, 'prebuilds', 'linux-x64')
  return {
    root,
    project,
    prebuild,
    addon: join(prebuild, addonNames.engine),
    sdkArchive: join(root, 'v8-sdk-linux-x64.tar.zst'),
    remove: () => rmSync(root, { recursive: true }),
  }
}

async function makeSdk(root: string, project: string) {
  const folder = join(root, 'sdk')
  const pin = await loadPin(project)
  const { patches } = await readSeries(project, pin)
  const texts: Record<string, string> = {
    LICENSE: readFileSync(join(project, 'LICENSE'), 'utf8'),
    'LICENSE.v8': readFileSync(join(project, 'LICENSE.v8'), 'utf8'),
    'v8/LICENSE': 'licence of V8',
    'third_party/fp/LICENSE': 'licence of fp',
  }
  for (const [path, text] of Object.entries(texts)) write(join(folder, sdkLicences, path), text)
  const lock = readFileSync(join(project, 'v8.lock.json'), 'utf8')
  write(join(folder, sdkSources, 'v8.lock.json'), lock)
  cpSync(join(project, 'patches'), join(folder, sdkSources, 'patches'), { recursive: true })
  const named = (path: string) => ({ path, sha256: sha256(texts[path]!) })
  const manifest: SdkManifest = {
    schema: sdkSchema,
    v8: { version: pin.v8.version, chromium: pin.chromium.version },
    platform: 'linux-x64',
    lock: hashPin(pin),
    patches: patches.map(({ name, sha256 }) => ({ name, sha256 })),
    modified: false,
    args: argsOf(pin, 'linux-x64'),
    compiler: 'Debian clang version 22.1.8 (1~deb12u1)',
    libraries: { 'libstdc++': '12 (20220819)', glibc: '2.36' },
    components: [
      component({
        ref: 'third_party/fp',
        name: 'fp',
        licence: 'MIT',
        texts: [named('third_party/fp/LICENSE')],
      }),
      component({
        ref: 'v8',
        name: 'v8',
        version: pin.v8.version,
        licence: 'BSD-3-Clause AND SunPro',
        texts: [named('v8/LICENSE')],
        patched: {
          version: pin.v8.version,
          purl: `pkg:github/v8/v8@${pin.v8.tag}`,
          patches: patches.map(({ name }) => name),
        },
        source: { name: pin.source.archive.file, sha256: pin.source.archive.sha256 },
        needs: ['third_party/fp'],
      }),
    ],
    files: Object.fromEntries([
      ...Object.entries(texts).map(([path, text]) => [`${sdkLicences}${path}`, sha256(text)]),
      [`${sdkSources}v8.lock.json`, sha256(lock)],
    ]),
  }
  write(join(folder, manifestName), JSON.stringify(manifest))
  return { folder, manifest }
}

async function packSdk(
  { project, sdkArchive }: ProvenanceProject,
  folder: string,
  manifest: SdkManifest,
): Promise<void> {
  const inputs = await v8InputsOf(project)
  await pack(folder, sdkArchive, 'v8-sdk', inputs.pin.v8.date)
  await writeSdkDocuments(sdkArchive, manifest, inputs)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
