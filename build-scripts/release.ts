import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { AdvisedError } from '../terminal/advised-error.ts'
import { makeRelease } from './release/make.ts'
import { publishRelease } from './release/publish.ts'
import { runCommand } from './shared/command.ts'
import { cacheRoot, repository } from './shared/context.ts'
import { formatDuration, sayStage } from './shared/terminal.ts'

interface Options {
  folder: string
  cache?: string
  snapshot?: boolean
  publish?: boolean
  registry?: string
  tag: string
  dryRun?: boolean
  verbose?: boolean
}

const command = new Command('npm run release --')
  .description(
    'Packs the package, those of its platforms, the SDKs and the debug files from the commit that is checked out, checks them, and writes bills of materials, provenance and checksums beside them. With --publish, publishes what was packed.',
  )
  .option('--folder <folder>', 'where the release goes, or is', join(repository, 'release'))
  .option(
    '--cache <folder>',
    'where the SDKs and debug files are (default: $XDG_CACHE_HOME/v8-rawmem)',
  )
  .option(
    '--snapshot',
    'take files that are not committed, and prebuilds that do not match the sources: to try out, on this machine',
  )
  .option(
    '--publish',
    'publish the release in the folder with npm, the platforms first; run it again if it was interrupted',
  )
  .option('--registry <url>', 'where to publish (default: the registry of npm)', registryUrl)
  .option('--tag <name>', 'the dist-tag to publish under', 'latest')
  .option('--dry-run', 'with --publish: say what would be published')
  .option('--verbose', 'show where in the scripts an error arose')
  .showHelpAfterError()
  .action(async (options: Options) => {
    await runCommand(options.verbose, () => run(options))
  })

async function run(options: Options): Promise<void> {
  const started = Date.now()
  const folder = resolve(options.folder)
  if (options.publish) {
    if (options.snapshot) {
      throw new AdvisedError('--publish takes the release that is there.', 'Leave out --snapshot.')
    }
    await publishRelease({
      folder,
      registry: options.registry,
      tag: options.tag,
      dryRun: options.dryRun ?? false,
    })
    return
  }
  if (options.registry || options.dryRun) {
    throw new AdvisedError('Without --publish nothing is published.', 'Add --publish.')
  }
  const cache = cacheRoot(options.cache)
  const { version } = await makeRelease({
    project: repository,
    folder,
    sdks: join(cache, 'sdk'),
    symbols: join(cache, 'symbols'),
    snapshot: options.snapshot ?? false,
  })
  sayStage(
    'release',
    `${version} is in ${folder}, after ${formatDuration((Date.now() - started) / 1000)}`,
  )
}

function registryUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new InvalidArgumentError('A registry is an http: or https: URL.')
}

await command.parseAsync()
