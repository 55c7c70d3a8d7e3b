import { Command } from 'commander'
import { endTools } from '../../build-scripts/shared/shell.ts'
import { runTest } from '../support/run-test.ts'
import { defaultSdk, runSdkTests } from './sdk-tests.ts'

const command = new Command('npm run test:sdk --')
  .description('Builds the C++ tests and the embedder sample against an SDK and runs them.')
  .option('--sdk <folder>', 'the SDK to test', defaultSdk)
  .option('--compiler <program>', 'the C++ compiler (default: $CXX, clang++ or g++)')
  .option('--filter <regex>', 'run only the C++ tests whose names match, and not the sample')
  .action(async (options: { sdk: string; compiler?: string; filter?: string }) => {
    await runTest(false, async (signal) => {
      signal.addEventListener('abort', endTools)
      await runSdkTests({ ...options, output: (text) => process.stdout.write(text) })
    })
  })

await command.parseAsync()
