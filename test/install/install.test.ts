// The install script and "v8-rawmem install", from a folder; test/publish has registries and servers.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { basename, dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { create } from 'tar'
import { integrityOf } from '../../cli/install/integrity.ts'
import { npmEnvironment } from '../../cli/install/npm.ts'
import { makeFolder } from '../../cli/install/unpack.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { type InstalledPackage, installPackage, prebuilds, put } from './installed-package.ts'

const filename = 'linux-x64.tgz'

/** The package as released: it knows a tarball, which is in a folder. */
async function installReleased(
  t: ExecutionContext,
  cwd = prebuilds,
): Promise<InstalledPackage & { readonly mirror: string }> {
  const installed = installPackage(t)
  const mirror = temporaryFolder(t)
  const files = ['package.json', 'manifest.json', 'v8-rawmem.node', 'v8-rawmem-node.node']
  const file = join(mirror, filename)
  await create({ cwd, file, prefix: 'package', portable: true }, files)
  const content = readFileSync(file)
  const record = { filename, size: content.length, integrity: integrityOf(content) }
  put(join(installed.folder, 'dist'), {
    'release.json': JSON.stringify({ '@v8-rawmem/linux-x64': record }),
  })
  return { ...installed, mirror }
}

/** The URL of a server that answers like that. */
async function serve(t: ExecutionContext, answer: RequestListener): Promise<string> {
  const { url, close } = await listenOnLoopback(createServer(answer))
  t.teardown(close)
  return url
}

test('the script does nothing in a package that no release made', async (t) => {
  const { folder, script, command } = installPackage(t)
  t.like(await script({ V8_RAWMEM_MIRROR: '/no/such/folder' }), {
    exitCode: 0,
    stdout: '',
    stderr: '',
  })
  t.false(existsSync(join(folder, 'prebuilds')))
  const { exitCode, stderr } = await command(['install'])
  t.is(exitCode, 1)
  t.regex(stderr, /does not know the checksum of its binding/)
})

test('the script fetches what is missing, once', async (t) => {
  const { folder, mirror, script, evaluate } = await installReleased(t)
  const first = await script({ V8_RAWMEM_MIRROR: mirror })
  t.is(first.exitCode, 0, first.stderr)
  t.regex(first.stdout, /fetching linux-x64\.tgz from the mirror\n.*is in .*prebuilds/)
  t.deepEqual(readdirSync(join(folder, 'prebuilds')), ['linux-x64'])
  const second = await script({ V8_RAWMEM_MIRROR: '/no/such/folder' })
  t.is(second.exitCode, 0, second.stderr)
  t.regex(second.stdout, /@v8-rawmem\/linux-x64 \S+ is there: /)
  t.is((await evaluate('rawmem.openBackend().name')).stdout, 'patched\n')
})

test('an addon that ends the process is found and replaced', async (t) => {
  const { platform, mirror, command, evaluate } = await installReleased(t)
  const content = (name: string) => readFileSync(join(prebuilds, name))
  put(platform, {
    'package.json': content('package.json'),
    // The end of a mapped file is not there: SIGBUS.
    'v8-rawmem.node': content('v8-rawmem.node').subarray(0, 100_000),
    'v8-rawmem-node.node': content('v8-rawmem-node.node'),
  })
  t.is((await evaluate('')).exitCode, null)
  const { exitCode, stderr } = await command(['install', '--mirror', mirror])
  t.is(exitCode, 0, stderr)
  t.is((await evaluate('rawmem.openBackend().name')).stdout, 'patched\n')
})

test('what is not the released tarball is refused and leaves nothing', async (t) => {
  const { folder, mirror, script } = await installReleased(t)
  const file = join(mirror, filename)
  const content = readFileSync(file)
  content[content.length - 2000]! ^= 1
  writeFileSync(file, content)
  const { exitCode, stderr } = await script({ V8_RAWMEM_MIRROR: mirror })
  t.is(exitCode, 1)
  t.regex(stderr, /EINTEGRITY: linux-x64\.tgz of the mirror is not what was released: /)
  t.false(existsSync(join(folder, 'prebuilds')))
})

test('a path of the mirror leads from where the package manager was started', async (t) => {
  const { mirror, script } = await installReleased(t)
  const { exitCode, stderr } = await script({
    INIT_CWD: dirname(mirror),
    V8_RAWMEM_MIRROR: basename(mirror),
  })
  t.is(exitCode, 0, stderr)
})

test('a key in the URL of the mirror is sent with each file', async (t) => {
  const { mirror, command } = await installReleased(t)
  const server = await serve(t, ({ url }, response) => {
    if (url === `/files/${filename}?key=secret`) response.end(readFileSync(join(mirror, filename)))
    else response.writeHead(404).end()
  })
  const at = (path: string) => ['install', '--mirror', `${server}${path}?key=secret`]
  const good = await command(at('files'))
  t.is(good.exitCode, 0, good.stderr)
  const bad = await command([...at('elsewhere'), '--force'])
  t.regex(bad.stderr, /The mirror answers 404 Not Found for http:.*\/elsewhere\/linux-x64\.tgz\. /)
  t.notRegex(bad.stderr, /secret/)
})

test('a mirror that never stops sending is hung up on', async (t) => {
  const { mirror, command, folder } = await installReleased(t)
  const content = readFileSync(join(mirror, filename))
  const server = await serve(t, (_, response) => {
    const send = () => {
      while (response.write(content));
      response.once('drain', send)
    }
    send()
  })
  const { exitCode, stderr } = await command(['install', '--mirror', server])
  t.is(exitCode, 1)
  t.regex(
    stderr,
    /EINTEGRITY: http:.*linux-x64\.tgz is longer than the \d+ bytes that were released/,
  )
  t.false(existsSync(join(folder, 'prebuilds')))
})

test('a mirror works without what Node 20.0 does not have', async (t) => {
  const { folder, mirror, script } = await installReleased(t)
  put(folder, { 'older.cjs': 'delete AbortSignal.any' })
  const server = await serve(t, (_, response) => {
    response.end(readFileSync(join(mirror, filename)))
  })
  const { exitCode, stderr } = await script({
    V8_RAWMEM_MIRROR: server,
    NODE_OPTIONS: `--require=${join(folder, 'older.cjs')}`,
  })
  t.is(exitCode, 0, stderr)
})

test('a mirror that compresses what it sends is asked not to, and told if it does', async (t) => {
  const { mirror, command } = await installReleased(t)
  const content = readFileSync(join(mirror, filename))
  let isPolite = true
  const server = await serve(t, ({ headers }, response) => {
    if (!isPolite || headers['accept-encoding'] !== 'identity') {
      response.setHeader('content-encoding', 'gzip')
    }
    response.end(content)
  })
  const polite = await command(['install', '--mirror', server])
  t.is(polite.exitCode, 0, polite.stderr)
  isPolite = false
  const { stderr } = await command(['install', '--force', '--mirror', server])
  t.regex(stderr, /The mirror sends http:.*\.tgz with "Content-Encoding: gzip", .* Have the server/)
})

test('a fetch-timeout that no timer can have is not taken as none at all', async (t) => {
  const { mirror, command } = await installReleased(t)
  const server = await serve(t, (_, response) => {
    setTimeout(() => response.end(readFileSync(join(mirror, filename))), 200)
  })
  for (const npm_config_fetch_timeout of ['99999999999', '-5', '0']) {
    const { exitCode, stderr } = await command(['install', '--force', '--mirror', server], {
      npm_config_fetch_timeout,
    })
    t.is(exitCode, 0, `${npm_config_fetch_timeout}: ${stderr}`)
  }
})

test('what cannot be used as a mirror is told without the password in it', async (t) => {
  const { command } = await installReleased(t)
  for (const [mirror, said] of [
    ['ftp://user:secret@localhost/', /by this protocol: ftp:\. /],
    ['https://user:secret@', /The URL of the mirror is not valid\. /],
    ['https://user:secret%@localhost/', /has a % with no two hexadecimal digits after it\. /],
  ] as const) {
    const { exitCode, stderr } = await command(['install', '--mirror', mirror])
    t.is(exitCode, 1)
    t.regex(stderr, said)
    t.notRegex(stderr, /secret/)
  }
})

test('what NODE_OPTIONS loads may print, first and last', async (t) => {
  const { folder, mirror, script } = await installReleased(t)
  put(folder, {
    'chatty.cjs': "console.log('loaded'); process.once('exit', () => console.log('bye'))",
  })
  const { exitCode, stderr } = await script({
    V8_RAWMEM_MIRROR: mirror,
    NODE_OPTIONS: `--require=${join(folder, 'chatty.cjs')}`,
  })
  t.is(exitCode, 0, stderr)
})

test('a folder of a killed process that had the same number is no hindrance', async (t) => {
  const target = join(temporaryFolder(t), 'made')
  mkdirSync(join(dirname(target), `.made-${process.pid}`, 'half'), { recursive: true })
  await makeFolder(target, async (folder) => writeFileSync(join(folder, 'whole'), ''))
  t.deepEqual(readdirSync(dirname(target)), ['made'])
  t.deepEqual(readdirSync(target), ['whole'])
})

test('a folder that cannot be replaced stays', async (t) => {
  const target = join(temporaryFolder(t), 'made')
  put(target, { old: '' })
  const work = async (folder: string) => rmSync(folder, { recursive: true })
  await t.throwsAsync(makeFolder(target, work), { code: 'ENOENT' })
  t.deepEqual(readdirSync(dirname(target)), ['made'])
  t.deepEqual(readdirSync(target), ['old'])
})

test('where the binding cannot be put, nothing is fetched', async (t) => {
  const { folder, command } = await installReleased(t)
  put(folder, { prebuilds: '' })
  const { exitCode, stderr } = await command(['install', '--mirror', '/no/such/folder'])
  t.is(exitCode, 1)
  t.regex(
    stderr,
    /The binding cannot be put into .*linux-x64: EEXIST: .* remove what is in the way/,
  )
  t.notRegex(stderr, /The mirror/)
})

test('a damaged record of the release is named', async (t) => {
  const { folder, script } = await installReleased(t)
  put(join(folder, 'dist'), { 'release.json': '{"@v8-raw' })
  const { exitCode, stderr } = await script()
  t.is(exitCode, 1)
  t.regex(stderr, /^v8-rawmem: .*release\.json cannot be read: .* Install v8-rawmem again\.\n/)
})

test('the script stays where it is if it may not go where the package manager was started', async (t) => {
  const { folder, mirror, script } = await installReleased(t)
  const { exitCode, stderr } = await script({
    INIT_CWD: join(folder, 'package.json'),
    V8_RAWMEM_MIRROR: mirror,
  })
  t.is(exitCode, 0, stderr)
})

test('npm runs where the script does if it may not in the folder where it was started', async (t) => {
  const { folder, mirror, script } = await installReleased(t)
  // In place of npm, which would need a registry.
  put(mirror, {
    'npm-cli.js': `
      const { copyFileSync } = require('node:fs')
      const [, folder] = /--pack-destination=(\\S+)/.exec(process.argv.join(' '))
      copyFileSync(__dirname + '/${filename}', folder + '/${filename}')
    `,
  })
  const { exitCode, stderr } = await script({
    INIT_CWD: join(folder, 'package.json'),
    npm_config_local_prefix: '',
    npm_execpath: join(mirror, 'npm-cli.js'),
  })
  t.is(exitCode, 0, stderr)
  t.deepEqual(readdirSync(join(folder, 'prebuilds', 'linux-x64')).sort(), [
    'manifest.json',
    'package.json',
    'v8-rawmem-node.node',
    'v8-rawmem.node',
  ])
})

test('V8_RAWMEM_BINDING leaves nothing to install, but for --force', async (t) => {
  const { folder, mirror, command } = await installReleased(t)
  const there = await command(['install'], { V8_RAWMEM_BINDING: join(prebuilds, 'v8-rawmem.node') })
  t.is(there.exitCode, 0, there.stderr)
  t.regex(there.stderr, /V8_RAWMEM_BINDING names the binding, .*: nothing to install/)
  const missing = { V8_RAWMEM_BINDING: '/no/such/file.node' }
  const { exitCode, stderr } = await command(['install'], missing)
  t.is(exitCode, 1)
  t.regex(
    stderr,
    /V8_RAWMEM_BINDING names a file that does not exist: .* Correct V8_RAWMEM_BINDING/,
  )
  const forced = await command(['install', '--force', '--mirror', mirror], missing)
  t.is(forced.exitCode, 0, forced.stderr)
  t.true(existsSync(join(folder, 'prebuilds', 'linux-x64', 'v8-rawmem.node')))
})

test('what is for another C library is not loaded', async (t) => {
  const other = temporaryFolder(t)
  const content = 'no addon here'
  put(other, {
    'package.json': readFileSync(join(prebuilds, 'package.json')),
    'manifest.json': '{}',
    'v8-rawmem.node': content,
    'v8-rawmem-node.node': content,
  })
  const { folder, mirror, command } = await installReleased(t, other)
  put(folder, { 'musl.cjs': "require('detect-libc').familySync = () => 'musl'" })
  const { exitCode, stderr } = await command(['install', '--mirror', mirror], {
    NODE_OPTIONS: `--require=${join(folder, 'musl.cjs')}`,
    npm_config_libc: 'glibc',
  })
  t.is(exitCode, 0, stderr)
})

test('musl and platforms without addons are refused', async (t) => {
  const { mirror, command, folder } = await installReleased(t)
  const musl = await command(['install', '--mirror', mirror], { npm_config_libc: 'musl' })
  t.regex(musl.stderr, /there is no prebuilt binding for musl, only for glibc\. .*bookworm-slim/)
  const riscv = await command(['install', '--mirror', mirror], { npm_config_cpu: 'riscv64' })
  t.regex(
    riscv.stderr,
    /no prebuilt binding for this platform, linux-riscv64; there is one for linux-arm64, linux-x64/,
  )
  t.false(existsSync(join(folder, 'prebuilds')))
})

test('what a killed process left is removed, what a living one makes is not', async (t) => {
  const { folder, mirror, command } = await installReleased(t)
  // No process has this number: the kernel's greatest is 2^22.
  for (const pid of [2 ** 30, process.pid]) {
    mkdirSync(join(folder, 'prebuilds', `.linux-x64-${pid}`), { recursive: true })
  }
  const { exitCode, stderr } = await command(['install', '--mirror', mirror])
  t.is(exitCode, 0, stderr)
  t.deepEqual(readdirSync(join(folder, 'prebuilds')).sort(), [
    `.linux-x64-${process.pid}`,
    'linux-x64',
  ])
})

test('several at once all succeed', async (t) => {
  const { folder, mirror, command, evaluate } = await installReleased(t)
  const ended = await Promise.all(
    [1, 2, 3].map(() => command(['install', '--force', '--mirror', mirror])),
  )
  for (const { exitCode, stderr } of ended) t.is(exitCode, 0, stderr)
  t.deepEqual(readdirSync(join(folder, 'prebuilds')), ['linux-x64'])
  t.is((await evaluate('rawmem.openBackend().name')).stdout, 'patched\n')
})

test.serial('what npm was told about another command is not handed on', (t) => {
  const settings = {
    npm_config_global: 'true',
    npm_config_workspaces: 'true',
    npm_config_dry_run: 'true',
    npm_config_registry: 'http://localhost/',
  }
  Object.assign(process.env, settings)
  t.teardown(() => {
    for (const name of Object.keys(settings)) delete process.env[name]
  })
  const handedOn = npmEnvironment()
  t.deepEqual(
    Object.keys(settings).filter((name) => name in handedOn),
    ['npm_config_registry'],
  )
})
