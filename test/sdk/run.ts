import { Command } from 'commander'
import { BuildError } from '../../build-scripts/shared/build-error.ts'
import { sayError } from '../../build-scripts/shared/terminal.ts'
import { defaultSdk, runSdkTests } from './sdk-tests.ts'

const command = new Command('npm run test:sdk --')
  .description('Builds the C++ tests and the embedder sample against an SDK and runs them.')
  .option('--sdk <folder>', 'the SDK to test', defaultSdk)
  .option('--compiler <program>', 'the C++ compiler (default: $CXX, clang++ or g++)')
  .option('--filter <regex>', 'run only the C++ tests whose names match, and not the sample')
  .action(async (options: { sdk: string; compiler?: string; filter?: string }) => {
    await runSdkTests({ ...options, output: (text) => process.stdout.write(text) })
  })

try {
  await command.parseAsync()
} catch (error) {
  if (!(error instanceof BuildError)) throw error
  sayError(error.message, error.advice)
  process.exitCode = error.exitCode
}
