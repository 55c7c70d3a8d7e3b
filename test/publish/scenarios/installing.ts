import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { serveRegistry } from '../faulty-server.ts'
import { requireCommand, requireRuns, requireWorks, writePrograms } from '../program.ts'
import { Project } from '../project.ts'
import { writeNpmrc } from '../registry.ts'
import type { Scenario, Setting } from '../scenario.ts'

const installedAddon = 'node_modules/@v8-rawmem/linux-x64/v8-rawmem.node'
const fetchedAddon = 'node_modules/v8-rawmem/prebuilds/linux-x64/v8-rawmem.node'
const platformTarball = /^\/@v8-rawmem\/linux-x64\/-\/.*\.tgz$/
const missing = [
  /the package @v8-rawmem\/linux-x64, which has the binding for this platform, is not installed/,
  /--omit=optional leaves it out/,
  /npx v8-rawmem install/,
]

/** Without the platform's package, and without anything that would fetch it. */
export async function installBare(project: Project): Promise<void> {
  await project.install(['--omit=optional', '--ignore-scripts'])
  assert(!project.has(installedAddon) && !project.has(fetchedAddon))
}

export const installing: readonly Scenario[] = [
  {
    name: 'install: with scripts',
    async run(setting) {
      const project = await Project.create(setting, 'with-scripts')
      await project.install()
      assert(project.has(installedAddon) && !project.has(fetchedAddon))
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: with --ignore-scripts',
    async run(setting) {
      const project = await Project.create(setting, 'ignore-scripts')
      await project.install(['--ignore-scripts'])
      assert(project.has(installedAddon) && !project.has(fetchedAddon))
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: with --omit=optional the script fetches the addons by npm',
    async run(setting) {
      const project = await Project.create(setting, 'omit-optional')
      await project.install(['--omit=optional'])
      assert(!project.has(installedAddon) && project.has(fetchedAddon))
      await requireWorks(project)
      const { output } = await project.end(['npx', 'v8-rawmem', 'install'])
      assert.match(output, /@v8-rawmem\/linux-x64 \S+ is there: /)
      return undefined
    },
  },
  {
    name: 'install: with neither, an error says what to do, and doing it mends it',
    async run(setting) {
      const project = await Project.create(setting, 'bare')
      await installBare(project)
      await writePrograms(project, ['sum.mjs', 'sum.cjs'])
      await project.fail(['node', 'sum.mjs'], missing)
      await project.fail(['node', 'sum.cjs'], missing)
      await project.fail(['npx', 'v8-rawmem', 'info'], missing)
      await project.run(['npx', 'v8-rawmem', 'install'])
      assert(project.has(fetchedAddon))
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: V8_RAWMEM_BINDING keeps the script from fetching',
    async run(setting) {
      const project = await Project.create(setting, 'binding')
      const env = {
        V8_RAWMEM_BINDING: join(setting.repository, 'prebuilds/linux-x64/v8-rawmem.node'),
      }
      await project.install(['--omit=optional'], env)
      assert(!project.has(installedAddon) && !project.has(fetchedAddon))
      await writePrograms(project, ['sum.mjs'])
      await requireRuns(project, ['node', 'sum.mjs'], env)
      return undefined
    },
  },
  {
    name: 'install: a damaged addon is found and replaced',
    async run(setting) {
      const project = await Project.create(setting, 'damaged')
      await project.install()
      await project.write(installedAddon, 'no addon')
      await writePrograms(project, ['sum.mjs'])
      await rm(join(project.folder, 'node_modules/@v8-rawmem/linux-x64/v8-rawmem-node.node'))
      await project.fail(['node', 'sum.mjs'], [/cannot be loaded: .*(file too short|ELF)/])
      await project.run(['npx', 'v8-rawmem', 'install'])
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: from a registry that wants a login, which the .npmrc of the project has',
    async run(setting) {
      await using closed = await serveRegistry(setting.registry.url, ({ headers }) =>
        headers.authorization === `Bearer ${setting.registry.token}` ? undefined : { status: 401 },
      )
      const project = await Project.create(setting, 'login')
      await writeNpmrc(
        join(project.folder, '.npmrc'),
        { ...setting.registry, url: closed.url },
        true,
      )
      await project.install(['--omit=optional'])
      assert(closed.requests.some((path) => platformTarball.test(path)))
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: the platform is missing from the registry',
    async run(setting) {
      await using lacking = await serveRegistry(setting.registry.url, ({ path }) =>
        path.startsWith('/@v8-rawmem/') ? { status: 404 } : undefined,
      )
      const project = await Project.create(setting, 'missing', { registry: lacking.url })
      await project.fail(installWords(setting), [
        /npm could not fetch @v8-rawmem\/linux-x64@/,
        /E404/,
        /V8_RAWMEM_MIRROR/,
        /--ignore-scripts/,
      ])
      assert(!project.has('node_modules/v8-rawmem'))
      await project.install(['--ignore-scripts'])
      await project.fail(['npx', 'v8-rawmem', 'install'], [/E404/, /V8_RAWMEM_MIRROR/])
      await project.requireNoTrace()
      await project.run(['npx', 'v8-rawmem', 'install'], { V8_RAWMEM_MIRROR: setting.release })
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: the registry gives a damaged tarball',
    async run(setting) {
      await using damaging = await serveRegistry(setting.registry.url, ({ path }) =>
        platformTarball.test(path) ? 'flipped' : undefined,
      )
      const project = await Project.create(setting, 'corrupted', { registry: damaging.url })
      await project.fail(installWords(setting), [/EINTEGRITY/])
      assert(!project.has(installedAddon))
      await project.install(['--omit=optional', '--ignore-scripts'])
      await project.fail(['npx', 'v8-rawmem', 'install'], [/EINTEGRITY/])
      await project.requireNoTrace()
      return undefined
    },
  },
  {
    name: 'install: from the tarballs, where no registry has them',
    async run(setting) {
      await using lacking = await serveRegistry(setting.registry.url, ({ path }) =>
        path.includes('v8-rawmem') ? { status: 404 } : undefined,
      )
      const project = await Project.create(setting, 'tarballs', { registry: lacking.url })
      const tarball = (name: string) => join(setting.release, `${name}-${setting.version}.tgz`)
      await project.run(['npm', 'install', tarball('v8-rawmem-linux-x64'), tarball('v8-rawmem')])
      assert(project.has(installedAddon) && !project.has(fetchedAddon))
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: 'install: npx without a project',
    async run(setting) {
      const project = await Project.create(setting, 'npx')
      await writePrograms(project, [])
      await requireCommand(project, ['npx', '--yes', `v8-rawmem@${setting.version}`])
      return undefined
    },
  },
]

function installWords({ version }: Setting): string[] {
  return ['npm', 'install', `v8-rawmem@${version}`]
}
