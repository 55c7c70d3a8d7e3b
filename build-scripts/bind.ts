import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { AdvisedError } from '../terminal/advised-error.ts'
import { buildBinding, buildNodeBackends } from './bind/build-binding.ts'
import { runCommand, withLock } from './shared/command.ts'
import { type BuildContext, openContext, repository } from './shared/context.ts'

interface Options {
  readonly project: string
  readonly sdk?: string
  readonly nodeBackends?: boolean
  readonly cache?: string
  readonly target?: string
  readonly wait: boolean
  readonly verbose?: boolean
}

const name = 'build:binding'

const command = new Command('npm run build:binding --')
  .description(
    'Builds the Node addons, with V8 inside against the SDK that "npm run v8 -- all" has made, and without, and puts them into prebuilds/. No download: the headers of Node-API come from an npm package.',
  )
  .option('--sdk <folder>', 'an unpacked SDK (default: the latest in the cache)')
  .option(
    '--node-backends',
    "only the addon without V8, for the backends on Node's own V8: needs a C++ compiler and no SDK",
  )
  .option('--target <platform>', 'the platform to build for (default: this one)')
  .option('--cache <folder>', 'the cache folder (default: $XDG_CACHE_HOME/v8-rawmem)')
  .addOption(
    new Option('--project <folder>', 'the folder with v8.lock.json, the patches and the binding')
      .default(repository)
      .argParser((path) => resolve(path))
      .hideHelp(),
  )
  .option('--no-wait', 'fail when another build of the binding runs, instead of waiting for it')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(async (options: Options) => {
    await runCommand(options.verbose, async () => {
      const context = await openContext(options)
      const sdk = options.sdk ? resolve(options.sdk) : join(context.cache.sdk, 'current')
      // Packaging V8 removes older SDKs from the cache, under this lock. It is always taken before
      // the lock of the checkout.
      if (!options.nodeBackends && sdk.startsWith(`${context.cache.sdk}/`)) {
        await withLock(context.cache, context.cache.lock, name, options, () =>
          build(context, options, sdk),
        )
      } else {
        await build(context, options, sdk)
      }
    })
  })

/** Builds under the lock of this checkout. */
async function build(context: BuildContext, options: Options, sdk: string): Promise<void> {
  const lock = join(options.project, 'bindings', 'build.lock')
  const advice = 'Wait for it to end, or leave out --no-wait.'
  await withLock(context.cache, lock, name, { wait: options.wait, advice }, async () => {
    if (options.nodeBackends) {
      await buildNodeBackends(context)
      return
    }
    if (!existsSync(sdk)) {
      throw new AdvisedError(
        `There is no V8 SDK in ${sdk}.`,
        options.sdk
          ? 'Name an unpacked SDK with --sdk.'
          : 'Make one with "npm run v8 -- all", or name one with --sdk. Without one, --node-backends builds what needs no V8.',
      )
    }
    await buildBinding(context, realpathSync(sdk))
  })
}

await command.parseAsync()
