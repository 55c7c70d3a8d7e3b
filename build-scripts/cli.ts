import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { integer } from '../terminal/option-types.ts'
import type { BindingOptions } from './bind/build-binding.ts'
import { compile } from './compile/compile.ts'
import { configure } from './configure/configure.ts'
import { doctor } from './doctor.ts'
import { fetch } from './fetch/fetch.ts'
import { pinUpstream } from './fetch/pin-upstream.ts'
import { type SourceOptions, Sources, sourceKinds, words } from './fetch/sources.ts'
import { checkPatches, exportPatches, patch } from './patch/patch.ts'
import { checkForNewer } from './roll/releases.ts'
import { abortRoll, roll } from './roll/roll.ts'
import { runCommand, withLock } from './shared/command.ts'
import { type BuildContext, openContext, repository } from './shared/context.ts'

type Bind = typeof import('./bind/build-binding.ts').bind
type PackageSdk = typeof import('./package/package.ts').packageSdk

// These two write bills of materials. The library for that takes long to load.
const bind: Bind = async (...given) => (await import('./bind/build-binding.ts')).bind(...given)
const packageSdk: PackageSdk = async (...given) =>
  (await import('./package/package.ts')).packageSdk(...given)

interface GlobalOptions {
  cache?: string
  target?: string
  variant?: string
  project: string
  wait: boolean
  verbose?: boolean
}
type CompilerOptions = Parameters<typeof configure>[1]
type CompileOptions = Parameters<typeof compile>[1]
type PackageOptions = Parameters<PackageSdk>[1]
interface RollOptions {
  check?: boolean
  to?: string
  continue?: boolean
  abort?: boolean
}
interface PatchOptions {
  check?: boolean
  export?: boolean
  force?: boolean
}

const program = new Command('npm run v8 --')
  .description(
    'Builds the patched V8 that v8.lock.json pins, stage by stage. Every stage does only what is not done yet, and goes on where it was interrupted.',
  )
  .option(
    '--cache <folder>',
    'where sources and results are kept (default: $XDG_CACHE_HOME/v8-rawmem)',
  )
  .option('--target <platform>', 'the platform to build for (default: this one)')
  .option(
    '--variant <name>',
    'V8 as v8.lock.json has it for tests: asan (AddressSanitizer) or debug (V8 checks itself)',
  )
  .addOption(
    new Option('--project <folder>', 'the folder with v8.lock.json and the patches')
      .default(repository)
      .argParser((path) => resolve(path))
      .hideHelp(),
  )
  .option(
    '--no-wait',
    'fail when another build uses the cache or the checkout, instead of waiting for it',
  )
  .option('--verbose', 'show where in the scripts an error arose')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(--help lists the options)')

/** Lets a command do `work` with its options and those of all commands. */
function does<Options>(
  command: Command,
  work: (context: BuildContext, options: GlobalOptions & Options) => Promise<void>,
): Command {
  return command.action(async () => {
    const options = command.optsWithGlobals<GlobalOptions & Options>()
    await runCommand(options.verbose, async () => work(await openContext(options), options))
  })
}

/** The same under the lock of the cache folder. */
function locked<Options>(
  command: Command,
  work: (context: BuildContext, options: Options) => Promise<void>,
): Command {
  return does<Options>(command, async (context, options) => {
    const { cache } = context
    await withLock(cache, cache.lock, `v8 ${command.name()}`, options, () => work(context, options))
  })
}

function withSource(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--source <kind>',
        "where V8 comes from: its repositories, by gclient of depot_tools, or the archive, Chromium's release tarball. Without it: the archive when it is named or in the cache, else depot_tools when the git host answers within 5 seconds, else the archive. Both give the same sources",
      ).choices(sourceKinds),
    )
    .addOption(
      new Option(
        '--archive <place>',
        'an archive as a path, a URL, or a folder with archives; repeatable. Without it, apt is asked where this machine would get the source package. Also: V8_RAWMEM_ARCHIVE (separated by spaces)',
      )
        .argParser(collect)
        .default(words(process.env.V8_RAWMEM_ARCHIVE), 'ask apt'),
    )
    .addOption(
      new Option(
        '--snapshot <url>',
        'a service that keeps what mirrors have dropped, asked last, in the way of the one of Debian. Also: V8_RAWMEM_SNAPSHOT, "snapshot" in v8.lock.json',
      ).default(process.env.V8_RAWMEM_SNAPSHOT, 'that of v8.lock.json, if it names one'),
    )
    .addOption(
      new Option(
        '--mirror <[host=]url>',
        "for depot_tools: a URL that stands for the git hosts, or for one of them; repeatable. git's own insteadOf is heard as well. Also: V8_RAWMEM_GIT_MIRROR (separated by spaces)",
      )
        .argParser(collect)
        .default(words(process.env.V8_RAWMEM_GIT_MIRROR), 'none'),
    )
}

/** Gathers a repeatable option, after what the environment names. */
function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

function withWrapper(command: Command): Command {
  return command.option(
    '--cc-wrapper <program>',
    'put a compiler cache or distributor in front of the compiler: ccache, sccache, distcc, icecc. Changing it compiles everything anew',
  )
}

function withJobs(command: Command): Command {
  return command.option(
    '--jobs <number>',
    `compile steps at a time (default: by processors and memory, at most ${availableParallelism()})`,
    integer(1, 1024),
  )
}

function withPackaging(command: Command): Command {
  return command
    .option('--output <folder>', 'where the packed SDK goes (default: sdk/ in the cache)')
    .option(
      '--allow-modified',
      'package although the work tree has changes that are in no patch; the manifest says so',
    )
}

locked(
  withSource(program.command('fetch')).description(
    'Bring the pinned sources into the cache: download, check, unpack, record in git.',
  ),
  (context, options: SourceOptions) => fetch(context, new Sources(options)),
)

locked(
  program
    .command('patch')
    .description(
      'Put the work tree onto the patch series. Only files that differ are touched. What a maintainer has committed on top stays.',
    )
    .addOption(
      new Option(
        '--check',
        'only see whether the series applies to the pristine sources',
      ).conflicts(['export', 'force']),
    )
    .addOption(
      new Option('--export', "write the work tree's commits back as patch files").conflicts(
        'force',
      ),
    )
    .option('--force', 'go over to the series even from commits and edits that are in no patch'),
  async (context, options: PatchOptions) => {
    if (options.check) await checkPatches(context)
    else if (options.export) await exportPatches(context)
    else await patch(context, { force: options.force ?? false })
  },
)

locked(
  withWrapper(program.command('configure')).description(
    'Build GN when the cache has none, and have it write the build files.',
  ),
  (context, options: CompilerOptions) => configure(context, options),
)

locked(
  withJobs(program.command('compile')).description(
    'Compile V8 into one static library. Ctrl-C stops it; the next run goes on.',
  ),
  (context, options: CompileOptions) => compile(context, options),
)

locked(
  withPackaging(program.command('package')).description(
    'Make the SDK: library, headers, licences and manifest, unpacked and as .tar.zst.',
  ),
  packageSdk,
)

locked(
  withPackaging(withJobs(withWrapper(withSource(program.command('all'))))).description(
    'All of it: fetch, patch, configure, compile, package.',
  ),
  async (context, options: SourceOptions & CompilerOptions & CompileOptions & PackageOptions) => {
    await fetch(context, new Sources(options))
    await patch(context)
    await configure(context, options)
    await compile(context, options)
    await packageSdk(context, options)
  },
)

locked(
  withSource(program.command('pin-upstream')).description(
    'Write upstream/ from the pinned archives: where git has their files. Part of moving the pin by hand.',
  ),
  (context, options: SourceOptions) => pinUpstream(context, new Sources(options)),
)

locked(
  withSource(
    program
      .command('roll')
      .description(
        'Move the pin to a newer V8: download and check the archive, rebase the patches, write v8.lock.json, upstream/ and the patches anew. Goes on where it was interrupted. docs/rolling.md',
      )
      .addOption(
        new Option(
          '--check',
          'only say how old the pin is and what is newer; ends with 1 when there is a newer patch level of the line',
        ).conflicts(['to', 'continue', 'abort']),
      )
      .addOption(
        new Option(
          '--to <version>',
          'a version of Chromium, or of V8; without it, the newest patch level of the line of the pin',
        ).conflicts(['continue', 'abort']),
      )
      .addOption(
        new Option('--continue', 'go on after a conflict that has been resolved').conflicts(
          'abort',
        ),
      )
      .option('--abort', 'go back to before the roll'),
  ),
  async (
    context,
    { check, to, continue: resolved, abort, ...options }: SourceOptions & RollOptions,
  ) => {
    const sources = new Sources(options)
    if (abort) await abortRoll(context)
    else if (!check) await roll(context, sources, { to, resolved: resolved ?? false })
    else if (await checkForNewer(context, sources)) process.exitCode = 1
  },
)

does<BindingOptions>(
  program
    .command('binding')
    .description(
      'Build the Node addons, with V8 inside against the SDK that "npm run v8 -- all" has made, and without, and put them into prebuilds/. No download: the headers of Node-API come from an npm package.',
    )
    .option('--sdk <folder>', 'an unpacked SDK (default: the latest in the cache)')
    .option(
      '--node-backends',
      "only the addon without V8, for the backends on Node's own V8: needs a C++ compiler and no SDK",
    ),
  bind,
)

does<{ offline?: boolean }>(
  program
    .command('doctor')
    .description('Say what this machine lacks for a build, and how to install it.')
    .option('--offline', 'leave out what needs the network'),
  (context, { offline = false }) => doctor(context, { offline }),
)

await program.parseAsync()
