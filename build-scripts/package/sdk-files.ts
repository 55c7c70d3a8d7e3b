import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { glob } from 'zx'
import { askGn } from '../configure/gn.ts'
import type { Component } from '../provenance/component.ts'
import { requirePermitted } from '../provenance/permitted-licences.ts'
import { compilerEnvironment } from '../shared/compiler-environment.ts'
import type { BuildContext } from '../shared/context.ts'
import { put } from '../shared/files.ts'
import { listTracked } from '../shared/git.ts'
import { $ } from '../shared/shell.ts'
import { libraryComponents } from './library-components.ts'

/** Where an SDK has the licences of all that is in it. */
export const sdkLicences = 'share/doc/v8-rawmem/'

/** Where it has the lock file and the patches that it was made from. */
export const sdkSources = 'share/v8-rawmem/'

/**
 * Lays the SDK's files, the manifest aside, out in an empty folder. sdk/README.md tells what each is for.
 *
 * @returns what the library is made of
 */
export async function layOutSdk(context: BuildContext, folder: string): Promise<Component[]> {
  const { cache, pin, project, series } = context
  const library = join(folder, 'lib/libv8_monolith.a')
  await put(join(cache.buildDirectory, pin.build.library), library)
  await addForOlderGlibc(context, library)
  for (const path of await listTracked(cache.tree, 'include')) {
    if (/\/(DEPS|DIR_METADATA|[A-Z_]*OWNERS|[^/]*\.(md|py))$/.test(path)) continue
    await put(join(cache.tree, path), join(folder, path))
  }
  await writeSwitches(context, join(folder, 'include', 'v8-gn.h'))
  // What v8-inspector-protocol.h includes is made from the protocol's description.
  const generated = join(cache.buildDirectory, 'gen')
  for (const path of await glob('include/inspector/*.h', { cwd: generated })) {
    await put(join(generated, path), join(folder, path))
  }
  for (const path of await glob('include/**/*.h', { cwd: join(project, 'sdk') })) {
    await put(join(project, 'sdk', path), join(folder, path))
  }
  await fillIn(context, 'v8-rawmem-config.cmake', join(folder, 'lib/cmake/v8-rawmem'))
  await fillIn(context, 'v8-rawmem-config-version.cmake', join(folder, 'lib/cmake/v8-rawmem'))
  await fillIn(context, 'v8-rawmem.pc', join(folder, 'lib/pkgconfig'))
  await put(join(project, 'sdk/README.md'), join(folder, 'README.md'))

  const sources = join(folder, sdkSources)
  await put(join(project, 'v8.lock.json'), join(sources, 'v8.lock.json'))
  for (const patch of series.patches) await put(patch.path, join(sources, patch.name))

  const licences = join(folder, sdkLicences)
  for (const name of ['LICENSE', 'LICENSE.v8']) {
    await put(join(project, name), join(licences, name))
  }
  const parts = await libraryComponents(context)
  const components = parts.map((part) => part.component)
  requirePermitted(components)
  for (const part of parts) {
    for (const [path, file] of part.licences) await put(file, join(licences, path))
  }
  return components
}

/** Adds what V8 seeks and an older glibc does not have, so that a program can be linked there. */
async function addForOlderGlibc(context: BuildContext, library: string): Promise<void> {
  const { project } = context
  const { cc, flags } = await context.clang()
  const run = $({ cwd: project, env: compilerEnvironment() })
  const object = join(dirname(library), 'older-glibc.o')
  await run`${cc} ${flags} -c -O2 -fPIC -o ${object} sdk/older-glibc.c`
  await run`ar rD ${library} ${object}`
  await rm(object)
}

/**
 * Writes the header with the switches that the library was built with and that V8's public headers look at; V8's own
 * script gives it its form. GN would write it only for builds that use it themselves.
 */
async function writeSwitches(context: BuildContext, header: string): Promise<void> {
  const { cache } = context
  // Whether to be warned of deprecated functions is the embedder's choice.
  const ofLibrary = (name: string) => !/^V8_(IMMINENT_)?DEPRECATION_WARNINGS$/.test(name)
  const on = [
    ...(await askGn(context, '//:v8_header_features', 'defines')),
    ...(await askGn(context, '//:cppgc_header_features', 'defines')),
  ].filter(ofLibrary)
  const onNames = new Set(on.map((define) => define.split('=')[0]!))
  const off = switchNames(await readFile(join(cache.tree, 'BUILD.gn'), 'utf8')).filter(
    (name) => ofLibrary(name) && !onNames.has(name),
  )
  const options = [
    ...[...new Set(on)].flatMap((define) => ['-p', define]),
    ...off.flatMap((name) => ['-n', name]),
  ]
  await $({ cwd: cache.tree })`python3 tools/gen-v8-gn.py -o ${header} ${options}`
}

/** The names of all switches that V8's public headers may look at. */
function switchNames(buildFile: string): string[] {
  const lists = buildFile.matchAll(/^external_(?:v8|cppgc)_defines = \[([^\]]*)\]/gm)
  const names = [...lists].flatMap((list) => [...list[1]!.matchAll(/"([A-Z0-9_]+)/g)])
  return [...new Set(names.map((match) => match[1]!))]
}

/** Copies a template of sdk/ with the versions filled in. */
async function fillIn({ pin, project, target }: BuildContext, name: string, folder: string) {
  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
    version: string
  }
  const values: Record<string, string> = {
    V8_VERSION: pin.v8.version,
    V8_MAJOR_MINOR: pin.v8.version.split('.').slice(0, 2).join('.'),
    RAWMEM_VERSION: version,
    PLATFORM: target.platform,
    PROCESSORS: { x64: 'x86_64|AMD64|amd64', arm64: 'aarch64|arm64' }[target.cpu] ?? target.cpu,
  }
  const template = await readFile(join(project, 'sdk', `${name}.in`), 'utf8')
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, name),
    template.replace(/@([A-Z0-9_]+)@/g, (placeholder, key: string) => values[key] ?? placeholder),
  )
}
