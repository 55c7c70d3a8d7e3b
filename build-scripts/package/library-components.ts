import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { loadUpstreamPin, type UpstreamPin } from '../fetch/upstream-pin.ts'
import {
  type Component,
  type LicensedComponent,
  purlOf,
  withLicences,
} from '../provenance/component.ts'
import { headerComponents } from '../provenance/system-libraries.ts'
import type { BuildContext } from '../shared/context.ts'
import { listTracked } from '../shared/git.ts'
import { $ } from '../shared/shell.ts'

/** What the folders of third_party say in words that are not SPDX's, or do not say at all. */
const readByPeople: Readonly<Record<string, { licence: string; name?: string }>> = {
  dragonbox: { licence: 'Apache-2.0 WITH LLVM-exception OR BSL-1.0' },
  siphash: { licence: 'CC0-1.0', name: 'HalfSipHash' },
  'v8/builtins': { licence: 'Python-2.0', name: "Python's sorting, in Torque" },
  'v8/codegen': { licence: 'MIT', name: 'FP16 conversion' },
  valgrind: { licence: 'bzip2-1.0.6', name: 'valgrind.h' },
}

/** V8, everything from third_party that is compiled into the library or whose headers are, and the system's headers. */
export async function libraryComponents(context: BuildContext): Promise<LicensedComponent[]> {
  const { cache, pin, series } = context
  const { thirdParty, system } = await compiledFiles(context)
  const clang = await context.clang()
  const licences = await listLicences(context)
  const parts = await Promise.all(
    [...thirdParty].sort().map((folder) => describe(context, folder, licences)),
  )
  const headers = await headerComponents([...system], {
    ...clang.libraries,
    clang: /\d+\.\d+\.\d+/.exec(clang.version)?.[0] ?? clang.version,
  })
  const ownLicences = new Map(
    licences
      .filter((path) => !path.includes('/'))
      .map((path) => [`v8/${path}`, join(cache.tree, path)]),
  )
  const purl = purlOf('github', 'v8', 'v8', pin.v8.tag)
  const v8 = {
    ref: 'v8',
    name: 'v8',
    version: pin.v8.version,
    description: `V8 with the patches that are listed; out of the sources of Chromium ${pin.chromium.version}`,
    purl,
    website: 'https://v8.dev',
    licence: 'BSD-3-Clause AND SunPro',
    source: sourceOf(context),
    patched: {
      version: pin.v8.version,
      purl,
      patches: series.patches.map(({ name }) => name),
    },
    needs: [...parts, ...headers].map((part) => part.component.ref).sort(),
  }
  return [await withLicences(v8, ownLicences), ...parts, ...headers]
}

async function describe(
  context: BuildContext,
  folder: string,
  allLicences: readonly string[],
): Promise<LicensedComponent> {
  const { tree } = context.cache
  const path = `third_party/${folder}`
  const pinned = repositoryIn(await loadUpstreamPin(context), path)
  const readme = await readReadme(join(tree, path), pinned?.revision)
  const licences = new Map(
    allLicences
      .filter((file) => file.startsWith(`${path}/`))
      .map((file) => [file, join(tree, file)]),
  )
  if (licences.size === 0) {
    throw new AdvisedError(
      `${path} is compiled in, but has no file of licence.`,
      'Look where its licence is, and teach build-scripts/package/library-components.ts.',
    )
  }
  const revision = pinned?.revision ?? readme.revision
  const version =
    readme.version && (!pinned || readme.revision === pinned.revision) ? readme.version : revision
  const website = readme.website ?? pinned?.url
  const purl = purlOnGitHub([readme.website, pinned?.url], revision)
  return await withLicences(
    {
      ref: path,
      name: (readByPeople[folder]?.name ?? readme.name) || folder,
      ...(version && { version }),
      ...(website && { website }),
      ...(purl && { purl }),
      licence: readByPeople[folder]?.licence ?? readme.licence ?? 'NOASSERTION',
      source: sourceOf(context),
    },
    licences,
  )
}

function sourceOf({ pin }: BuildContext): NonNullable<Component['source']> {
  const { file, sha256 } = pin.source.archive
  return { name: file, sha256 }
}

/** The repository that fills a folder, when it is not Chromium's own. */
function repositoryIn(upstream: UpstreamPin | undefined, path: string) {
  const entry = Object.entries(upstream?.repositories ?? {}).find(
    ([place]) => place === path || place.startsWith(`${path}/`),
  )
  return entry?.[1]
}

/** Of a README for V8 and one for Chromium, the one that speaks of the pinned revision. */
async function readReadme(folder: string, revision: string | undefined): Promise<ThirdPartyReadme> {
  const readmes: ThirdPartyReadme[] = []
  for (const name of ['README.v8', 'README.chromium']) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined)
    if (text !== undefined) readmes.push(parseThirdPartyReadme(text))
  }
  return readmes.find((readme) => readme.revision === revision) ?? readmes[0] ?? { name: '' }
}

function purlOnGitHub(urls: readonly (string | undefined)[], revision: string | undefined) {
  if (!revision) return undefined
  for (const url of urls) {
    const match = /github\.com\/([^/]+)\/([^/]+?)(?:\.git)?(?:\/|$)/.exec(url ?? '')
    if (match) return purlOf('github', match[1], match[2]!, revision)
  }
  return undefined
}

/** All licence files of the tree. */
async function listLicences({ cache }: BuildContext): Promise<string[]> {
  const licence = /(^|\/)(LICEN[CS]E|COPYING|NOTICE)([.-][^/]*)?$/
  return (await listTracked(cache.tree)).filter((path) => licence.test(path)).sort()
}

/**
 * What ninja has seen the library's objects, and what generates some of them, read: folders of third_party, as paths below it
 * (what lies in third_party/v8 are several things), and headers from outside the tree.
 */
async function compiledFiles({ cache, pin }: BuildContext) {
  const objects = new Set<string>()
  const thirdParty = new Set<string>()
  const system = new Set<string>()
  const note = (path: string) => {
    const folder = /(?:^|\/)third_party\/((?:v8\/)?[^/]+)\//.exec(path)?.[1]
    if (folder) thirdParty.add(folder)
    else if (path.startsWith('/') && !path.startsWith(`${cache.tree}/`)) system.add(path)
  }
  // With -n, ninja does not write its notes anew, which are recorded as they are.
  const ninja = ['ninja', '-C', cache.buildDirectory, '-n', '-t']
  for await (const line of $`${ninja} inputs ${pin.build.target}`) {
    if (line.endsWith('.o')) objects.add(line)
    else if (/\.(cc|cpp|c|S)$/.test(line)) note(line)
  }
  let ofLibrary = false
  for await (const line of $`${ninja} deps`) {
    if (line.startsWith(' ')) {
      if (ofLibrary) note(line.trim())
    } else {
      ofLibrary = objects.has(line.slice(0, line.indexOf(':')))
    }
  }
  return { thirdParty, system }
}

/** What the README.chromium or README.v8 of a folder in third_party says. */
export interface ThirdPartyReadme {
  readonly name: string
  readonly licence?: string
  readonly website?: string
  readonly version?: string
  readonly revision?: string
}

/** Reads the fields at the head of such a file; `N/A` and references to other files are left out. */
export function parseThirdPartyReadme(text: string): ThirdPartyReadme {
  const head = text.split(/^\s*(?:Description|Local Modifications):/im)[0]!
  const field = (name: string) => {
    const value = new RegExp(`^${name}:[ \t]*(.+)$`, 'im').exec(head)?.[1]?.trim()
    return value && !/^(N\/A|DEPS|unknown)$/i.test(value) ? value : undefined
  }
  const licence = field('License')
  const website = field('URL')
  const version = field('Version')?.replace(/^(?:upstream\/)?v(?=\d)/, '')
  const revision = field('Revision')
  return {
    name: field('Short Name') ?? field('Name') ?? '',
    ...(licence && { licence }),
    ...(website && { website }),
    ...(version && { version }),
    ...(revision && { revision }),
  }
}
