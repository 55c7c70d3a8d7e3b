import assert from 'node:assert/strict'
import { join } from 'node:path'
import { requireCommand, requireRuns, requireWorks, writePrograms } from '../program.ts'
import { Project } from '../project.ts'
import type { Scenario } from '../scenario.ts'

/** Does not run on Node 20. */
export const npm = 'npm@12.2.0'
const pnpm = 'pnpm@10.34.5'
const yarnClassic = 'yarn@1.22.22'
const yarn = '@yarnpkg/cli-dist@4.9.2'

export const packageManagers: readonly Scenario[] = [
  {
    name: `${npm}, which runs no script that is not allowed`,
    async run(setting) {
      const cli = join(await setting.tool(npm), 'bin', 'npm-cli.js')
      const spec = `v8-rawmem@${setting.version}`
      const options = { node: '24', manifest: { allowScripts: undefined } }
      const usual = await Project.create(setting, 'npm-12', options)
      await usual.run(['node', cli, 'install', spec])
      await requireWorks(usual)

      const bare = await Project.create(setting, 'npm-12-bare', options)
      await bare.run(['node', cli, 'install', spec, '--omit=optional'])
      await writePrograms(bare, ['sum.mjs'])
      await bare.fail(['node', 'sum.mjs'], [/npx v8-rawmem install/])
      await bare.run(['node', cli, 'install-scripts', 'approve', 'v8-rawmem'])
      await bare.run(['node', cli, 'rebuild', 'v8-rawmem'])
      await requireWorks(bare)
      return undefined
    },
  },
  {
    name: pnpm,
    async run(setting) {
      const command = ['node', join(await setting.tool(pnpm), 'bin', 'pnpm.cjs')]
      const project = await Project.create(setting, 'pnpm')
      await project.run([...command, 'add', `v8-rawmem@${setting.version}`])
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: `${pnpm} without optional dependencies, in a project that is for nothing but pnpm`,
    async run(setting) {
      const command = ['node', join(await setting.tool(pnpm), 'bin', 'pnpm.cjs')]
      // With this, npm does nothing there unless it is forced.
      const devEngines = { packageManager: { name: 'pnpm', onFail: 'error' } }
      const project = await Project.create(setting, 'pnpm-bare', { manifest: { devEngines } })
      await project.run([...command, 'add', `v8-rawmem@${setting.version}`, '--no-optional'])
      await writePrograms(project, ['sum.mjs'])
      await project.fail(['node', 'sum.mjs'], [/npx v8-rawmem install/])
      await project.fail([...command, 'exec', 'node', 'sum.mjs'], [/pnpm exec v8-rawmem install/])
      await project.run([...command, 'exec', 'v8-rawmem', 'install'])
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: yarnClassic,
    async run(setting) {
      const command = ['node', join(await setting.tool(yarnClassic), 'bin', 'yarn.js')]
      const project = await Project.create(setting, 'yarn-classic')
      await project.run([...command, 'add', `v8-rawmem@${setting.version}`], {
        npm_config_registry: setting.registry.url,
      })
      await requireWorks(project)
      return undefined
    },
  },
  {
    name: `${yarn}, Plug'n'Play`,
    async run(setting) {
      const command = ['node', join(await setting.tool(yarn), 'bin', 'yarn.js')]
      const project = await Project.create(setting, 'yarn')
      await project.write('yarn.lock', '')
      await project.write(
        '.yarnrc.yml',
        [
          `npmRegistryServer: "${setting.registry.url}"`,
          'unsafeHttpWhitelist: ["127.0.0.1"]',
          'enableTelemetry: false',
          'enableGlobalCache: false',
          '',
        ].join('\n'),
      )
      await project.run([...command, 'add', `v8-rawmem@${setting.version}`])
      assert(project.has('.pnp.cjs'))
      await writePrograms(project, ['sum.mjs', 'sum.cjs'])
      await requireRuns(project, [...command, 'node', 'sum.mjs'])
      await requireRuns(project, [...command, 'node', 'sum.cjs'])
      await requireCommand(project, [...command, 'v8-rawmem'])
      await project.run([...command, 'v8-rawmem', 'install', '--force'])
      const { output } = await project.end([...command, 'v8-rawmem', 'info'])
      assert.match(output, /unplugged\/.*\/v8-rawmem\/prebuilds\/linux-x64\//)
      return undefined
    },
  },
]
