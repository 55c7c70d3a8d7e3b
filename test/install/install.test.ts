// The install script and "v8-rawmem install", from a folder; test/publish has registries and servers.

import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { create } from 'tar'
import { integrityOf } from '../../bindings/install/integrity.ts'
import { npmEnvironment } from '../../bindings/install/npm.ts'
import { makeFolder } from '../../bindings/install/unpack.ts'
import { temporaryFolder } from '../region/temporary-file.ts'
import { type InstalledPackage, installPackage, prebuilds, put } from './installed-package.ts'

const filename = 'linux-x64.tgz'

/** The package as released: it knows a tarball, which is in a folder. */
async function installReleased(
  t: ExecutionContext,
): Promise<InstalledPackage & { readonly mirror: string }> {
  const installed = installPackage(t)
  const mirror = temporaryFolder(t)
  const files = ['package.json', 'manifest.json', 'v8-rawmem.node', 'v8-rawmem-node.node']
  const file = join(mirror, filename)
  await create({ cwd: prebuilds, file, prefix: 'package', portable: true }, files)
  const content = readFileSync(file)
  const record = { filename, size: content.length, integrity: integrityOf(content) }
  put(join(installed.folder, 'dist'), {
    'release.json': JSON.stringify({ '@v8-rawmem/linux-x64': record }),
  })
  return { ...installed, mirror }
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
  const server = createServer(({ url }, response) => {
    if (url === `/files/${filename}?key=secret`) response.end(readFileSync(join(mirror, filename)))
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const at = (path: string) => [
    'install',
    '--mirror',
    `http://127.0.0.1:${port}/${path}?key=secret`,
  ]
  const good = await command(at('files'))
  t.is(good.exitCode, 0, good.stderr)
  const bad = await command([...at('elsewhere'), '--force'])
  t.regex(bad.stderr, /The mirror answers 404 Not Found for http:.*\/elsewhere\/linux-x64\.tgz\. /)
  t.notRegex(bad.stderr, /secret/)
})

test('a mirror that never stops sending is hung up on', async (t) => {
  const { mirror, command, folder } = await installReleased(t)
  const content = readFileSync(join(mirror, filename))
  const server = createServer((_, response) => {
    const send = () => {
      while (response.write(content));
      response.once('drain', send)
    }
    send()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { exitCode, stderr } = await command(['install', '--mirror', `http://127.0.0.1:${port}/`])
  t.is(exitCode, 1)
  t.regex(
    stderr,
    /EINTEGRITY: http:.*linux-x64\.tgz is longer than the \d+ bytes that were released/,
  )
  t.false(existsSync(join(folder, 'prebuilds')))
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

test('what NODE_OPTIONS loads may print', async (t) => {
  const { folder, mirror, script } = await installReleased(t)
  put(folder, { 'chatty.cjs': "console.log('loaded')" })
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

test('musl and platforms without addons are refused', async (t) => {
  const { mirror, command, folder } = await installReleased(t)
  const musl = await command(['install', '--mirror', mirror], { npm_config_libc: 'musl' })
  t.regex(musl.stderr, /there is no prebuilt binding for musl, only for glibc\. .*bookworm-slim/)
  const arm = await command(['install', '--mirror', mirror], { npm_config_cpu: 'arm64' })
  t.regex(
    arm.stderr,
    /no prebuilt binding for this platform, linux-arm64; there is one for linux-x64/,
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
