import assert from 'node:assert/strict'
import { writePrograms } from '../program.ts'
import { Project } from '../project.ts'
import type { Scenario } from '../scenario.ts'

const musl = [/there is no prebuilt binding for musl, only for glibc/, /bookworm-slim/]
const darwin = [
  /there is no prebuilt binding for this platform, darwin-arm64; there is one for linux-arm64, linux-x64/,
]

export const platforms: readonly Scenario[] = [
  {
    name: 'platform: musl is refused with advice',
    async run(setting) {
      const project = await Project.create(setting, 'musl')
      const install = ['npm', 'install', `v8-rawmem@${setting.version}`, '--libc=musl']
      await project.fail(install, musl)
      assert(!project.has('node_modules/v8-rawmem'))
      await project.run([...install, '--ignore-scripts'])
      assert(!project.has('node_modules/@v8-rawmem'))
      await project.fail(['npx', 'v8-rawmem', 'install'], musl, { npm_config_libc: 'musl' })
      await project.requireNoTrace()
      return undefined
    },
  },
  {
    name: 'platform: the loader says so where detect-libc finds musl (it is made to)',
    async run(setting) {
      const project = await Project.create(setting, 'musl-loader')
      await project.run([
        ...['npm', 'install', `v8-rawmem@${setting.version}`, '--libc=musl', '--ignore-scripts'],
      ])
      await project.write(
        'musl.cjs',
        "require('detect-libc').familySync = () => 'musl'; require('detect-libc').versionSync = () => '1.2.5'",
      )
      await writePrograms(project, ['sum.mjs', 'sum.cjs'])
      await project.fail(['node', '--require', './musl.cjs', 'sum.mjs'], musl)
      await project.fail(['node', '--require', './musl.cjs', 'sum.cjs'], musl)
      return undefined
    },
  },
  {
    name: 'platform: another system and processor are refused',
    async run(setting) {
      const project = await Project.create(setting, 'darwin')
      const install = ['npm', 'install', `v8-rawmem@${setting.version}`]
      await project.fail([...install, '--os=darwin', '--cpu=arm64'], darwin)
      assert(!project.has('node_modules/v8-rawmem'))
      return undefined
    },
  },
  {
    name: 'platform: installing for this one from anywhere, by --os, --cpu and --libc',
    async run(setting) {
      const project = await Project.create(setting, 'cross')
      const target = ['--os=linux', '--cpu=x64', '--libc=glibc']
      await project.install([...target, '--omit=optional'])
      assert(project.has('node_modules/v8-rawmem/prebuilds/linux-x64/v8-rawmem.node'))
      return undefined
    },
  },
]
