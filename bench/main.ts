// The benchmark: npm run bench -- --help

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Interrupted } from '../terminal/advised-error.ts'
import { startProgress } from '../terminal/progress.ts'
import { runCommand, stackOf } from '../terminal/run-command.ts'
import { aimsOf } from './aims.ts'
import type { BenchContext } from './context.ts'
import { describeMachine } from './machine.ts'
import { tooMuchLoad, watchLoad } from './machine-load.ts'
import { collectGarbage, fittingSize, roomForData } from './memory.ts'
import { compileAddon, findCompiler } from './native/compiler.ts'
import { loadNative } from './native/native.ts'
import { commandLine, type Options } from './options.ts'
import { runRace } from './race.ts'
import { formatSize } from './report/format.ts'
import { printRace, readResults, resultsFolder, writeReport } from './report/report.ts'
import type { Results, Row } from './results.ts'
import { fullSizes, quickSizes } from './sizes.ts'
import { suites } from './suites/suites.ts'

const repository = dirname(dirname(fileURLToPath(import.meta.url)))

/** From the results of an earlier run, by what is plotted and aimed at now. */
async function render({ output }: Options): Promise<void> {
  const kept = await readResults(resultsFolder({ repository, output }))
  const results = { ...kept, aims: aimsOf(kept.rows) }
  await writeReport(results, { repository, output, complete: true })
}

async function main(options: Options, signal: AbortSignal): Promise<void> {
  signal.addEventListener('abort', () => {
    process.stderr.write('\nStopping after this run. Ctrl-C again stops at once.\n')
  })

  const started = performance.now()
  const loadSoFar = watchLoad()
  const busy = tooMuchLoad(loadSoFar())
  if (busy !== undefined) console.log(`Note: ${busy}.`)
  const scratch = await mkdtemp(join(tmpdir(), 'v8-rawmem-bench-'))
  try {
    const rows: Row[] = []
    const remarks: string[] = []
    const remark = (text: string) => {
      if (remarks.includes(text)) return
      remarks.push(text)
      console.log(`Note: ${text}`)
    }

    const compiler = await findCompiler()
    if (compiler === undefined) {
      remark(
        'The native contenders are left out: no C++ compiler was found. Install clang or g++, or name one in CXX.',
      )
    }
    const native =
      compiler === undefined
        ? undefined
        : loadNative(await compileAddon(compiler, join(scratch, 'native')))

    const rounds = options.rounds ?? (options.quick ? 2 : 7)
    const context: BenchContext = {
      sizes: options.quick ? quickSizes : fullSizes,
      native,
      rounds,
      quick: options.quick,
      scratch,
      signal,
      remark,
      fit(bytes, times, what) {
        const room = roomForData()
        const fitting = fittingSize(bytes, times, room)
        if (fitting < bytes) {
          remark(
            `${what}: ${formatSize(fitting)} in place of ${formatSize(bytes)}, since there is room for ${formatSize(room)}.`,
          )
        }
        return fitting
      },
      async race(race, ownRounds = rounds) {
        const runs = race.contenders.length * (ownRounds + 1)
        let begun = 0
        let current = ''
        const bar = startProgress(`${race.suite}, ${race.case}`, runs, String, {
          clear: true,
          more: () => ` runs: ${current}`,
        })
        const step = (what: string) => {
          current = what
          bar.update(begun++)
        }
        const raced = await runRace(race, { rounds: ownRounds, signal, step }).finally(bar.stop)
        rows.push(...raced)
        printRace(raced)
      },
    }

    const chosen = suites.filter(({ name }) => options.only?.includes(name) ?? true)
    for (const suite of chosen) {
      await suite.run(context)
      await collectGarbage()
    }

    const results: Results = {
      schema: 1,
      date: new Date().toISOString(),
      seconds: (performance.now() - started) / 1000,
      rounds,
      quick: options.quick,
      machine: describeMachine(compiler),
      load: loadSoFar(),
      rows,
      aims: aimsOf(rows),
      remarks,
    }
    console.log(`\nTook ${(results.seconds / 60).toFixed(1)} minutes.`)
    const [share, average] = [Math.round(100 * results.load!.others), results.load!.averageBefore]
    console.log(
      `The load was ${average.toFixed(1)} before; others took ${share} % of the processors.`,
    )
    const complete = chosen.length === suites.length && !options.quick
    const refusal = options.quick || options.anyLoad ? undefined : tooMuchLoad(results.load!)
    await writeReport(results, { repository, output: options.output, complete }, refusal)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const program = commandLine(suites)
program.parse()
for (const name of ['V8_RAWMEM_BACKEND', 'V8_RAWMEM_FLAGS', 'V8_RAWMEM_TIERING']) {
  if (process.env[name])
    program.error(`error: ${name} is set, and would change what is measured; unset it`)
}
await runCommand(
  async (signal) => {
    const options = program.opts<Options>()
    await (options.render ? render(options) : main(options, signal))
  },
  (error) => (error instanceof Interrupted ? 'Stopped; nothing was written.' : stackOf(error)),
)
