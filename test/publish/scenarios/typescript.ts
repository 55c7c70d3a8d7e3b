import { join } from 'node:path'
import { type Program, requireRuns, writePrograms } from '../program.ts'
import { Project } from '../project.ts'
import type { Scenario } from '../scenario.ts'

interface Mode {
  readonly moduleResolution: string
  readonly module: string
  readonly programs: readonly Program[]
}

const modes: readonly Mode[] = [
  // TypeScript lets no CommonJS module require an ES module in this mode, though Node does.
  {
    moduleResolution: 'node16',
    module: 'node16',
    programs: ['import.mts', 'dynamic-import.cts'],
  },
  {
    moduleResolution: 'nodenext',
    module: 'nodenext',
    programs: ['import.mts', 'require.cts', 'import-require.cts', 'dynamic-import.cts'],
  },
  {
    moduleResolution: 'bundler',
    module: 'preserve',
    programs: ['import.mts', 'import-require.cts', 'dynamic-import.cts'],
  },
]

/** Compiles what users would write, and runs what comes out. */
export const typescript: readonly Scenario[] = modes.map(
  ({ moduleResolution, module, programs }) => ({
    name: `TypeScript: moduleResolution ${moduleResolution}`,
    async run(setting) {
      const project = await Project.create(setting, `typescript-${moduleResolution}`)
      await project.install(['@types/node', '--ignore-scripts'])
      await writePrograms(project, programs)
      const compilerOptions = {
        ...{ target: 'es2022', module, moduleResolution, types: ['node'], outDir: 'out' },
        ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
      }
      await project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: programs }))
      await project.run([
        process.execPath,
        join(setting.repository, 'node_modules', 'typescript', 'bin', 'tsc'),
      ])
      let runs = 0
      for (const node of setting.nodes.values()) {
        if (node === setting.nodes.get('18')) continue
        for (const program of programs) {
          await requireRuns(project, [node, join('out', program.replace(/ts$/, 'js'))])
          runs++
        }
      }
      return `${runs} runs`
    },
  }),
)
