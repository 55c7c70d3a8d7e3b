import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { requirePathsForNodeGyp, runNodeGyp } from '../../build-scripts/bind/node-gyp.ts'
import { requireLockedPackages } from '../../build-scripts/bind/source-hash.ts'
import { compilerEnvironment } from '../../build-scripts/shared/compiler-environment.ts'
import { openContext } from '../../build-scripts/shared/context.ts'
import { sha256OfFile } from '../../build-scripts/shared/hash.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

test('a path with a space is refused before node-gyp trips over it', (t) => {
  t.notThrows(() => requirePathsForNodeGyp(['/home/user/checkout', '/var/cache/sdk']))
  t.throws(() => requirePathsForNodeGyp(['/home/user/checkout', '/var/my cache/sdk']), {
    message: /space in it: \/var\/my cache\/sdk/,
  })
})

test("compilers find nothing in the environment that would change what they make, and all else of the user's", (t) => {
  const kept = {
    PATH: '/bin',
    HOME: '/home/user',
    CCACHE_DIR: '/cache',
    npm_config_python: 'python3',
  }
  const dropped = ['CPPFLAGS', 'CXX_target', 'LINK', 'CPATH', 'MAKEFLAGS', 'npm_config_debug']
  const environment = Object.fromEntries(dropped.map((name) => [name, 'x']))
  t.deepEqual(compilerEnvironment({ ...environment, ...kept }), kept)
})

/** A checkout with a small addon, and an SDK. */
const project = mkdtempSync(join(tmpdir(), 'v8-rawmem-node-gyp-'))
test.after.always(() => rmSync(project, { recursive: true }))

function write(path: string, text: string): void {
  const file = join(project, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  // As tar and npm do, which give files a time of long ago.
  utimesSync(file, 1e9, 1e9)
}

test.before(() => {
  for (const name of ['package.json', 'package-lock.json', 'v8.lock.json', 'patches']) {
    cpSync(join(repository, name), join(project, name), { recursive: true })
  }
  symlinkSync(join(repository, 'node_modules'), join(project, 'node_modules'))
  write(
    'bindings/native/patched/binding.gyp',
    `{ 'targets': [{
      'target_name': 'small',
      'sources': ['addon.cc'],
      'variables': { 'openssl_fips': '' },
      'include_dirs+': ['<!(node -p "process.env.V8_RAWMEM_SDK")/include'],
      'ldflags': ['-Wl,--version-script=<(module_root_dir)/../exports.map'],
    }] }`,
  )
  write('bindings/native/exports.map', '{ global: napi_*; };')
  write(
    'bindings/native/patched/addon.cc',
    '#include <answer.h>\nextern "C" int napi_answer() { return ANSWER; }',
  )
  write('sdk/include/answer.h', '#define ANSWER 42')
  write('sdk/manifest.json', '{}')
})

/** The hash of the addon. */
async function built(): Promise<string> {
  const context = await openContext({
    project,
    cache: join(project, 'cache'),
  })
  const { path } = await runNodeGyp(context, {
    folder: 'bindings/native/patched',
    cc: 'cc',
    cxx: 'c++',
    flags: [],
    version: 'some compiler',
    libraries: {},
    sdk: join(project, 'sdk'),
  })
  return await sha256OfFile(path)
}

test.serial("flags of the user's shell do not get into an addon", async (t) => {
  process.env.CPPFLAGS = '-DNAPI_ANSWER -O0 -g'
  const flagged = await built()
  delete process.env.CPPFLAGS
  t.is(flagged, await built())
})

test.serial(
  'an addon is built of what is there now, whatever the times of its files',
  async (t) => {
    const first = await built()
    write('bindings/native/exports.map', '{ global: napi_nothing; local: *; };')
    const linked = await built()
    t.not(linked, first)
    write('sdk/include/answer.h', '#define ANSWER 7')
    const compiled = await built()
    t.not(compiled, linked)
    write('bindings/native/exports.map', '{ global: napi_*; };')
    write('sdk/include/answer.h', '#define ANSWER 42')
    t.is(await built(), first)
  },
)

test('packages of other versions than the lock names are not built with', async (t) => {
  await t.notThrowsAsync(requireLockedPackages(repository))
  const root = temporaryFolder(t)
  cpSync(join(repository, 'package-lock.json'), join(root, 'package-lock.json'))
  const missing = await t.throwsAsync(requireLockedPackages(root))
  t.regex(missing.message, /names node-api-headers \S+, but none is installed/)
  mkdirSync(join(root, 'node_modules/node-api-headers'), { recursive: true })
  writeFileSync(join(root, 'node_modules/node-api-headers/package.json'), '{ "version": "1.0.0" }')
  await t.throwsAsync(requireLockedPackages(root), { message: /but 1\.0\.0 is installed/ })
})
