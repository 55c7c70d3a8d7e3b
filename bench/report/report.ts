import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { type Results, type Row, resultsSchema } from '../results.ts'
import { formatMeasured, formatNumber, formatProcessor, formatValue } from './format.ts'
import { renderPage } from './page.ts'

/** Prints what came of a race. */
export function printRace(rows: readonly Row[]): void {
  const [first] = rows
  if (first === undefined) return
  console.log(`\n${first.suite}: ${first.case}`)
  const width = Math.max(...rows.map(({ contender }) => contender.length))
  for (const row of rows) {
    const range = `${formatValue(row.min, row.unit)} to ${formatValue(row.max, row.unit)}`
    const speed = row.contender === row.baseline ? '' : `${formatNumber(row.speed)} ×`
    console.log(
      `  ${row.contender.padEnd(width)}  ${formatValue(row.median, row.unit).padStart(10)}  ${speed.padStart(10)}   ${range}${formatProcessor(row)}`,
    )
  }
}

/** Where the results of a whole run lie, or those of a run with `--output`. */
export function resultsFolder(where: { repository: string; output: string | undefined }): string {
  return where.output === undefined
    ? join(where.repository, 'bench', 'results')
    : resolve(where.output)
}

export async function readResults(folder: string): Promise<Results> {
  return resultsSchema.parse(JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')))
}

/** Prints the aims, and writes everything where it belongs. */
export async function writeReport(
  results: Results,
  where: { repository: string; output: string | undefined; complete: boolean },
  refusal?: string,
): Promise<void> {
  if (results.aims.length > 0) {
    console.log('\nAims')
    for (const aim of results.aims) {
      console.log(
        `  ${aim.met ? 'met   ' : 'missed'}  ${aim.aim} (${aim.suite}, ${aim.case}): ${formatMeasured(aim)}`,
      )
    }
  }
  console.log()

  if (where.output === undefined && !where.complete) {
    console.log('Nothing was written: only whole runs are kept. See --output.')
    return
  }
  if (refusal !== undefined) {
    console.log(
      `Nothing was written. ${refusal}. Run it on a machine that does nothing else, or insist with --any-load.`,
    )
    process.exitCode = 1
    return
  }
  const folder = resultsFolder(where)
  const page = join(folder, 'README.md')
  const template = join(resultsFolder({ ...where, output: undefined }), 'README.md')
  await mkdir(folder, { recursive: true })
  const json = JSON.stringify(resultsSchema.parse(results), roundSamples, 2)
  await writeFile(join(folder, 'results.json'), `${json}\n`)
  // What is shown is what is kept.
  const kept = resultsSchema.parse(JSON.parse(json))
  // Vega takes longer to load than everything else, and most runs write nothing.
  const { plots } = await import('./plots.ts')
  const made = await plots(kept)
  for (const [name, svg] of made) await writeFile(join(folder, `${name}.svg`), `${svg}\n`)
  const rendered = renderPage(await readFile(template, 'utf8'), kept, new Set(made.keys()))
  await writeFile(page, rendered)
  console.log(
    `Written: ${join(relative('', folder), 'results.json')}, ${made.size} plots, ${relative('', page)}`,
  )
}

/** Five digits are more than a measurement has. */
function roundSamples(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(5))
    : value
}
