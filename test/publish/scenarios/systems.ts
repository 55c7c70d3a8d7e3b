import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { which } from 'zx'
import { cacheRoot, openContext } from '../../../build-scripts/shared/context.ts'
import { findEmulator } from '../../../build-scripts/shared/toolchain.ts'
import { provideEmulatedNode } from '../../arm64/emulated-node.ts'
import { OlderSystem, rootIn } from '../../distributions/older-system.ts'
import { nodeCache } from '../../support/provide-node.ts'
import { requireWorks } from '../program.ts'
import { Project } from '../project.ts'
import type { Scenario } from '../scenario.ts'
import { npm } from './package-managers.ts'

/** Other systems than this machine's. */
export const systems: readonly Scenario[] = [
  {
    name: 'system: Debian 11, with glibc 2.31',
    async run(setting) {
      const root = rootIn(cacheRoot())
      const debootstrap = await which('debootstrap', { nothrow: true })
      if (process.getuid?.() !== 0 || !(existsSync(root) || debootstrap)) {
        return 'left out: it needs root and debootstrap'
      }
      const cli = join(await setting.tool(npm), 'bin', 'npm-cli.js')
      const system = await OlderSystem.provide(root, [setting.folder, nodeCache], undefined)
      const project = await Project.create(setting, 'debian-11', {
        node: '26',
        entering: (command, folder) => system.entering(command, folder),
      })
      await project.run(['node', cli, 'install', `v8-rawmem@${setting.version}`])
      await requireWorks(project)
      return await project.run(['getconf', 'GNU_LIBC_VERSION'])
    },
  },
  {
    name: 'system: arm64, in an emulator',
    async run(setting) {
      if (!(await which('qemu-aarch64', { nothrow: true }))) {
        return 'left out: there is no qemu-aarch64'
      }
      const context = await openContext({ project: setting.repository, target: 'linux-arm64' })
      const emulator = (await findEmulator(context.target, await context.clang())) ?? []
      const { path, env } = await provideEmulatedNode('26', {
        cache: nodeCache,
        emulator,
        pageSize: 4096,
      })
      const project = await Project.create(setting, 'arm64', { executable: path })
      // npm does not learn in an emulator which C library there is, and starts Node by its path.
      const { NODE_OPTIONS, V8_RAWMEM_EMULATED_NODE } = env
      await project.install(['--libc=glibc'], { NODE_OPTIONS, V8_RAWMEM_EMULATED_NODE })
      assert(project.has('node_modules/@v8-rawmem/linux-arm64/v8-rawmem.node'))
      await requireWorks(project)
      return await project.run(['node', '--print', 'process.version + " " + process.arch'])
    },
  },
]
