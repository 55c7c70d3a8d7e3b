import { describeError, settleEnvironment } from '../../build-scripts/shared/command.ts'
import { runCommand } from '../../terminal/run-command.ts'

/** Runs a test that is a command of its own. It has to clear up after a signal: servers, mounts, children. */
export async function runTest(
  verbose: boolean | undefined,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  settleEnvironment()
  await runCommand(work, (error) => describeError(error, verbose))
}
