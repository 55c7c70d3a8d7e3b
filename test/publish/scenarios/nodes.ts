import assert from 'node:assert/strict'
import { requireWorks, writePrograms } from '../program.ts'
import { Project } from '../project.ts'
import type { Scenario } from '../scenario.ts'

export const nodeReleases = ['20', '22', '24', '26'] as const
/** The last one before those. */
export const oldNode = '18'

export const nodes: readonly Scenario[] = [
  ...nodeReleases.map(
    (release): Scenario => ({
      name: `Node ${release}: import, require and the command`,
      async run(setting) {
        const project = await Project.create(setting, `node-${release}`, { node: release })
        const version = await project.run(['node', '--version'])
        assert(version.startsWith(`v${release}.`))
        await project.install()
        await requireWorks(project)
        return version
      },
    }),
  ),
  {
    name: `Node ${oldNode}: an error says that it is too old`,
    async run(setting) {
      const installer = await Project.create(setting, 'node-old')
      await installer.install()
      await writePrograms(installer, ['sum.mjs'])
      const node = setting.nodes.get(oldNode)!
      await installer.fail([node, 'sum.mjs'], [/v8-rawmem: Node 18\.\S+ is too old\./])
      return undefined
    },
  },
]
