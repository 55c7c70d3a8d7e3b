import { mkdir, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { compilerEnvironment } from '../shared/compiler-environment.ts'
import { writeFileDurably } from '../shared/files.ts'
import { sha256 } from '../shared/hash.ts'
import type { Compiler } from '../shared/toolchain.ts'

/** An addon that is to be compiled, and by which compiler. */
export interface Compilation extends Compiler {
  /** The folder of binding.gyp, in the project. */
  readonly folder: string
  /** An unpacked SDK, for the addon with V8 inside. */
  readonly sdk?: string
}

/** What node-gyp is to find in the environment: compilers, and the flags that are not in binding.gyp. */
export function addonEnvironment(
  project: string,
  { cc, cxx, flags, linker, sdk }: Compilation,
  linkInputs: string,
  libraryFlags: readonly string[],
): NodeJS.ProcessEnv {
  return {
    ...compilerEnvironment(),
    CC: [cc, ...flags].join(' '),
    CXX: [cxx, ...flags].join(' '),
    AR: 'ar',
    // The checkout's place must not get into the addon.
    CXXFLAGS: [project, sdk]
      .filter((path) => path !== undefined)
      .map((path) => `-ffile-prefix-map=${path}=${path === sdk ? 'sdk' : '.'}`)
      .join(' '),
    LDFLAGS: [
      ...(linker ? [`-fuse-ld=${linker}`] : []),
      listInputsTo(linkInputs),
      ...libraryFlags,
    ].join(' '),
    V8_RAWMEM_SDK: sdk ?? '',
  }
}

/** The option that has a linker (lld, GNU ld from 2.35 on, mold) list the files it read. */
function listInputsTo(path: string): string {
  return `-Wl,--dependency-file=${path}`
}

// What node-gyp's own addon.gypi expects a Node release to define, for a Linux addon and nothing more.
const commonGypi = `{
  'variables': {
    'configuring_node%': 0,
    'visibility%': 'hidden',
    'node_engine%': 'v8',
    'standalone_static_library%': 1,
  },
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': {
      'Release': { 'cflags': ['-O2'], 'defines': ['NDEBUG'] },
      'Debug': { 'cflags': ['-O0', '-g'] },
    },
    'cflags': ['-pthread', '-Wall', '-Wextra', '-Wno-unused-parameter'],
    'cflags_cc': ['-std=c++20', '-fno-rtti', '-fno-exceptions'],
    'ldflags': ['-pthread'],
  },
}
`

const configGypi = `{ 'target_defaults': {}, 'variables': { 'node_engine': 'v8' } }
`

/**
 * A folder that node-gyp takes for the headers of a Node release, but with the headers of Node-API only.
 *
 * The binding needs nothing else, and must not see the V8 headers that a release brings: it has those of its own V8.
 * Made from an npm package, it needs no download and is the same for every version of Node.
 */
export async function provideNodeApiHeaders(cacheFolder: string): Promise<string> {
  const { include, version } = await nodeApiPackage()
  const key = sha256(`${version}\n${commonGypi}\n${configGypi}`)
  const folder = join(cacheFolder, key.slice(0, 12))
  const files: Record<string, string> = { 'common.gypi': commonGypi, 'config.gypi': configGypi }
  for (const name of await readdir(include)) {
    files[name] = await readFile(join(include, name), 'utf8')
  }
  const place = join(folder, 'include', 'node')
  await mkdir(place, { recursive: true })
  // Each file by itself, for builds in other checkouts may be reading here; one that is as it should be stays.
  for (const [name, content] of Object.entries(files)) {
    const found = await readFile(join(place, name), 'utf8').catch(() => undefined)
    if (found !== content) await writeFileDurably(join(place, name), content)
  }
  return folder
}

async function nodeApiPackage(): Promise<{ include: string; version: string }> {
  const manifest = createRequire(import.meta.url).resolve('node-api-headers/package.json')
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
  return { include: join(dirname(manifest), 'include'), version }
}
