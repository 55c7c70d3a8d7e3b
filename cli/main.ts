#!/usr/bin/env node
import { Command, Option } from 'commander'
import { version } from '../bindings/addon/platform.ts'
import { AdvisedError, Interrupted, inOneLine } from '../terminal/advised-error.ts'
import { byteSize, integer } from '../terminal/option-types.ts'
import { runCommand, stackOf } from '../terminal/run-command.ts'
import { plotFile, print } from './arrays/print-option.ts'
import { info } from './info.ts'
import { inspectAddress } from './inspect.ts'
import { install } from './install/install.ts'
import { LocatedTrap, programFrames } from './located-trap.ts'
import { merges } from './merge.ts'
import {
  callArguments,
  collect,
  delimiter,
  environment,
  folders,
  part,
  recordBytes,
} from './option-types.ts'
import type { MergeOptions } from './parts/merge-parts.ts'
import { run } from './run.ts'
import type { RunOptions } from './run-options.ts'
import { sdk } from './sdk.ts'
import { column } from './table/column-option.ts'
import { nullsChoices } from './table/table.ts'

const program = new Command('v8-rawmem')
  .description('Runs WebAssembly over data where it lies, without copying it.')
  .version(version)
  .option('--verbose', 'show where in v8-rawmem an error arose', false)
  .showHelpAfterError('(v8-rawmem --help says what can be given.)')

/** Runs a subcommand until it ends or a signal stops it. */
const guarded = (action: (signal: AbortSignal) => Promise<void>) => runCommand(action, describe)

/** One line, plus the frames of the program if it failed. */
function describe(error: unknown): string {
  if (error instanceof Interrupted) return 'stopped'
  if (program.opts<{ verbose: boolean }>().verbose) return stackOf(error)
  if (error instanceof AdvisedError) return `error: ${inOneLine(error)}`
  if (error instanceof LocatedTrap) return `error: ${error.message}`
  const { code, path, message, stack } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return `error: There is no file ${path}. Look at the path.`
  return [`error: ${message}`, ...programFrames(stack)].join('\n')
}

program
  .command('run')
  .description('runs a program over files, window by window, on worker threads')
  .argument('<program>', 'a WebAssembly module, .wasm or .wat')
  .requiredOption(
    '--map <file>',
    'the data: mapped, not read or copied; once more for each further host window',
    collect,
  )
  .option(
    '--column <name>',
    'of an Arrow or Parquet file, the column to map, with its type or without: price:f64; once more for each further host window',
    column,
    [],
  )
  .addOption(
    new Option(
      '--nulls <how>',
      "what becomes of a column's nulls: an error, a bitmap in the next window, or zeros",
    )
      .choices(nullsChoices)
      .default('refuse'),
  )
  .option('--export <name>', 'the exported function to call (default: _start, or else run)')
  .option(
    '--import <module.name>',
    'where the program has no host windows: the function that maps the next window at address 0 and returns its length',
    'env.next',
  )
  .option(
    '--args <values...>',
    'arguments of the function; those for an i64 end in n; --args=-1,2n if the first is negative',
    callArguments,
    [],
  )
  .option(
    '--arg <text>',
    "an argument of the program's command line; once more for each",
    collect,
    [],
  )
  .option(
    '--env <name=value>',
    'a variable of its environment; NAME alone: as it is here',
    environment,
    {},
  )
  .option(
    '--dir <folder>',
    'a folder that it may use; <folder>::<path> if it is to see another path',
    folders,
    {},
  )
  .option('--window <size>', 'bytes of a window (default: the largest possible)', byteSize)
  .addOption(
    new Option('--address <type>', 'the type of the lengths that the import takes and returns')
      .choices(['i32', 'i64'])
      .default('i32'),
  )
  .option('--memory-index <n>', 'the memory that windows are mapped in', integer(0, 99_999), 0)
  .option('--parallel <n>', 'worker threads, each over a part of the data', integer(1, 1024), 1)
  .option(
    '--record-bytes <sizes>',
    "parts begin at multiples of this (default: 64KiB); for columns one each, as in 8,4,all: 'all' is not divided",
    recordBytes,
  )
  .option('--delimiter <byte>', "parts begin after this byte, such as '\\n'", delimiter)
  .addOption(
    new Option('--merge <how>', 'what becomes of the results of the parts')
      .choices(merges)
      .default('list'),
  )
  .option(
    '--part <i/n>',
    'run over the i-th of n parts of the data, and print a line of JSON for v8-rawmem merge',
    part,
  )
  .option('--writable', 'stores of the program go into the file', false)
  .addOption(
    new Option('--backend <name>', 'see v8-rawmem info').choices([
      'patched',
      'node-raw',
      'node-rewire',
    ]),
  )
  .option(
    '--cpu-profile <file>',
    'record which functions take the time; DevTools and speedscope open it',
  )
  .option(
    '--print <type:count@symbol>',
    "an array of the program's memory to print after the run, at an exported global or an address, as in f64:64@histogram; once more for each",
    print,
    [],
  )
  .option('--plot [file.svg]', 'draw what --print names, on stderr or into a file', plotFile)
  .option('--symbols', 'tell file and line of a trap, from DWARF or a source map', false)
  .option(
    '--inspect [address]',
    'serve Chrome DevTools, as node --inspect: [host:]port (default: 127.0.0.1:9229)',
    inspectAddress,
  )
  .option(
    '--inspect-brk [address]',
    'the same, and each thread waits for DevTools and pauses in its first function',
    inspectAddress,
  )
  .option('--json', 'print result, bytes, windows, workers and seconds as JSON', false)
  .addHelpText(
    'after',
    `
The result is printed on stdout, one line per part unless merged, several results of a call on one
line. A progress bar, if stderr is a terminal, and the throughput go to stderr. In JSON, "result" is
an array of the parts' results unless merged, and i64 are strings.

A program with a main function is compiled for WASI: it exports _start, prints what it likes, and its
exit code is that of the command. JSON then goes to stderr.

Examples:
  v8-rawmem run sum.wasm --map numbers.bin --window 2GiB
  v8-rawmem run count-lines.wat --map access.log --parallel 2 --delimiter '\\n' --merge sum
  v8-rawmem run trades.wasm --map prices.f64 --map volumes.u32 --arg today
  v8-rawmem run sum.wasm --map trades.parquet --column price:f64 --merge sum`,
  )
  .action((path: string, options: RunOptions) => guarded((signal) => run(path, options, signal)))

program
  .command('merge')
  .description('makes one result of those of all parts, which v8-rawmem run --part printed')
  .argument('<files...>', 'what the parts printed, one line each or several in one file')
  .addOption(
    new Option('--merge <how>', 'what becomes of the results of the parts')
      .choices(merges)
      .default('list'),
  )
  .option('--plot [file.svg]', 'draw the arrays of --print, on stderr or into a file', plotFile)
  .option('--json', 'print result, bytes and parts as JSON', false)
  .addHelpText(
    'after',
    `
Gaps, duplicates, and parts of other data, other programs or other calls are errors.

Example:
  v8-rawmem merge part-*.json --merge sum`,
  )
  .action((files: string[], options: MergeOptions) =>
    guarded(async () => {
      const { mergeParts } = await import('./parts/merge-parts.ts')
      await mergeParts(files, options)
    }),
  )

program
  .command('install')
  .description('fetches the binding where the package manager has not installed it')
  .option(
    '--mirror <url or folder>',
    'where the files of the release are (default: V8_RAWMEM_MIRROR, or else npm fetches them)',
  )
  .option('--force', 'fetch it even if it is there', false)
  .action((options: { mirror?: string; force: boolean }) =>
    guarded((signal) =>
      install({
        mirror: options.mirror ?? process.env.V8_RAWMEM_MIRROR,
        force: options.force,
        say: (line) => console.error(line),
        signal,
      }),
    ),
  )

program
  .command('info')
  .description('says what is installed, what it was built from, and whether it works here')
  .option('--json', 'as JSON', false)
  .action((options: { json: boolean }) =>
    guarded(async () => {
      if (!(await info(options))) process.exitCode = 1
    }),
  )

program
  .command('sdk')
  .description('prints the folder of the SDK for C++ programs, if it is installed')
  .option('--platform <name>', 'what to build for (default: this machine)')
  .addHelpText(
    'after',
    `
Examples:
  cmake -S . -B build -DCMAKE_PREFIX_PATH="$(npx v8-rawmem sdk)"
  PKG_CONFIG_PATH="$(npx v8-rawmem sdk)/lib/pkgconfig" pkg-config --cflags v8-rawmem`,
  )
  .action((options: { platform?: string }) =>
    guarded(async () => sdk({ platform: options.platform })),
  )

await program.parseAsync()
