// Runs parts of one run as tasks of real schedulers, by the commands of docs/cluster.md:
//
//   npm run test:cluster
//   npm run test:cluster -- slurm

import { Argument, Command } from 'commander'
import { mark, say } from '../../build-scripts/shared/terminal.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { runTest } from '../support/run-test.ts'
import { testDask } from './dask.ts'
import { installMissing, type Needed } from './debian-packages.ts'
import { testSlurm } from './slurm.ts'
import { TaskFolder } from './task-folder.ts'

interface Scheduler {
  readonly needed: Needed
  test(folder: TaskFolder, said: (line: string) => void, signal: AbortSignal): Promise<void>
}

const schedulers: Record<string, Scheduler> = {
  slurm: {
    needed: { munged: 'munge', slurmctld: 'slurmctld', slurmd: 'slurmd', sbatch: 'slurm-client' },
    test: testSlurm,
  },
  dask: { needed: { 'dask-scheduler': 'python3-distributed' }, test: testDask },
}
const names = Object.keys(schedulers)

await new Command('npm run test:cluster --')
  .description(
    'Runs an array of tasks under Slurm and Dask on the loopback interface, with tasks that fail and are tried again. Root lets it install what is missing, from Debian.',
  )
  .addArgument(new Argument('[schedulers...]', 'which schedulers').choices(names).default(names))
  .showHelpAfterError()
  .action(async (chosen: string[]) => {
    await runTest(false, (signal) => test(chosen, signal))
  })
  .parseAsync()

async function test(chosen: readonly string[], signal: AbortSignal): Promise<void> {
  const { command } = compilePackage()
  for (const name of chosen) await installMissing(schedulers[name]!.needed)
  for (const name of chosen) {
    const folder = await TaskFolder.make(command)
    try {
      await schedulers[name]!.test(folder, (line) => say(`${mark('ok')} ${name}: ${line}`), signal)
    } finally {
      folder.remove()
    }
  }
}
