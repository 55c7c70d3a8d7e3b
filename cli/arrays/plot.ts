// Charts of arrays: in the terminal, or as SVG.

import { accessSync, constants } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { plot as chart } from 'asciichart'
import type { TopLevelSpec } from 'vega-lite'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { PrintedArray } from './printed-array.ts'

const rows = 12
/** Columns of the numbers at the left of a chart, and of the axis behind them. */
const scaleColumns = 12
const axisColumns = 2
const usualColumns = 80

/** Of an SVG. */
const mostBars = 1000

const install = 'npm install vega vega-lite'

async function loadVega() {
  try {
    return { ...(await import('vega')), ...(await import('vega-lite')) }
  } catch (error) {
    throw new AdvisedError(
      `--plot writes SVG by the packages vega and vega-lite, which cannot be loaded: ${(error as Error).message.split('\n')[0]}`,
      `Install them where v8-rawmem is: ${install}. Charts in the terminal need nothing: --plot without a file.`,
      { cause: error },
    )
  }
}

/** Before the program runs, which may take long: whether the plot can be made. */
export async function checkPlot(file: string | true): Promise<void> {
  if (file === true) return
  await loadVega()
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch (error) {
    throw new AdvisedError(
      `--plot ${file} cannot be written: ${(error as Error).message}`,
      'Name a file in a folder that exists and that you may write to.',
      { cause: error },
    )
  }
}

interface Series {
  readonly title: string
  /** The mean of each span of indices. */
  readonly spans: readonly { readonly begin: number; readonly end: number; readonly mean: number }[]
}

/** At most so many values: if there are more, means of neighbours. */
function seriesOf({ print, values }: PrintedArray, most: number): Series {
  const count = Math.min(values.length, most)
  const spans = Array.from({ length: count }, (_, i) => {
    const begin = Math.floor((i * values.length) / count)
    const end = Math.floor(((i + 1) * values.length) / count)
    const some = values.slice(begin, end).map(Number)
    return { begin, end, mean: some.reduce((sum, value) => sum + value / some.length, 0) }
  })
  const widest = Math.ceil(values.length / count)
  return { title: widest > 1 ? `${print} (means of up to ${widest} values)` : print, spans }
}

/** A chart from zero to the furthest value, with the numbers of the first and last value below. */
function drawn(array: PrintedArray, columns: number): string {
  const { title, spans } = seriesOf(array, Math.max(1, columns - scaleColumns - axisColumns))
  const shown = spans.map(({ mean }) => mean)
  if (!shown.every(Number.isFinite)) return `${title}: no chart, as some values are not finite`
  // The library takes numbers of some sizes only.
  const unit = shown.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1
  const lines = chart(
    shown.map((value) => value / unit),
    {
      height: rows,
      min: 0,
      max: 0,
      format: (value) => `${Number((value * unit).toPrecision(6))}`.padStart(scaleColumns),
    },
  )
  const last = String(array.values.length - 1)
  const below = shown.length > 1 ? `0${last.padStart(shown.length - 1)}` : '0'
  return [title, lines, `${' '.repeat(scaleColumns + axisColumns)}${below}`].join('\n')
}

function specification(arrays: readonly PrintedArray[]): TopLevelSpec {
  return {
    config: { background: 'white', font: 'sans-serif', view: { stroke: null } },
    vconcat: arrays.map((array) => {
      const { title, spans } = seriesOf(array, mostBars)
      return {
        title: { text: title, fontWeight: 'normal' },
        width: 640,
        height: 240,
        data: { values: spans },
        mark: 'bar',
        encoding: {
          x: { field: 'begin', type: 'quantitative', title: null, axis: { tickMinStep: 1 } },
          x2: { field: 'end' },
          y: { field: 'mean', type: 'quantitative', title: null },
        },
      }
    }),
  } as TopLevelSpec
}

async function writeSvg(file: string, arrays: readonly PrintedArray[]): Promise<void> {
  const { compile, parse, View } = await loadVega()
  const view = new View(parse(compile(specification(arrays)).spec), { renderer: 'none' })
  try {
    await writeFile(file, await view.toSVG())
  } finally {
    view.finalize()
  }
}

/**
 * Draws on stderr, since stdout is for the numbers, or writes an SVG with a chart for each array,
 * one below the other.
 */
export async function plot(file: string | true, arrays: readonly PrintedArray[]): Promise<void> {
  if (file !== true) return writeSvg(file, arrays)
  const columns = process.stderr.columns ?? usualColumns
  for (const array of arrays) process.stderr.write(`${drawn(array, columns)}\n`)
}
