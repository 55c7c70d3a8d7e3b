import { Error as errorLevel, logger, parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import * as names from '../contenders.ts'
import type { Results, Row } from '../results.ts'
import { unique } from './format.ts'

const colours: Record<string, string> = {
  [names.patched]: '#1f6feb',
  [names.patchedMemory64]: '#79b0ff',
  [names.patchedPlain]: '#79b0ff',
  [names.native]: '#444c56',
  [names.nativeWide]: '#9aa3ad',
  [names.copied]: '#d9730d',
  [names.copiedSmall]: '#f2b27a',
  [names.duckdb]: '#8957e5',
  [names.duckdbOneThread]: '#c3a6f5',
}
const others = ['#2da44e', '#bf3989', '#0a7d91', '#9a6700', '#cf222e', '#57606a']

const config: TopLevelSpec['config'] = {
  font: 'sans-serif',
  background: 'white',
  axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal' },
  header: { labelFontSize: 12, labelFontWeight: 'bold' },
  view: { stroke: null },
}

/** A colour for each contender, the same in all plots. */
function colourScale(rows: readonly Row[]): { domain: string[]; range: string[] } {
  const domain = unique(rows.map(({ contender }) => contender))
  let other = 0
  const range = domain.map((name) => colours[name] ?? others[other++ % others.length]!)
  return { domain, range }
}

/** Bars, from the least to the most that was measured a thin line. */
function bars(
  rows: readonly Row[],
  title: string,
  { columns = 2, scale = 'shared' }: { columns?: number; scale?: 'shared' | 'independent' } = {},
): TopLevelSpec {
  const { domain, range } = colourScale(rows)
  const y = {
    field: 'contender',
    type: 'nominal',
    sort: domain,
    title: null,
    axis: { labelLimit: 400 },
  } as const
  return {
    config,
    data: { values: rows.map((row) => ({ ...row, samples: undefined })) },
    facet: {
      field: 'case',
      type: 'nominal',
      sort: unique(rows.map((row) => row.case)),
      title: null,
    },
    columns,
    spec: {
      width: 230,
      height: { step: 20 },
      layer: [
        {
          mark: { type: 'bar', height: 14 },
          encoding: {
            y,
            x: { field: 'median', type: 'quantitative', title },
            color: { field: 'contender', type: 'nominal', scale: { domain, range }, legend: null },
          },
        },
        {
          mark: { type: 'rule', color: '#000', strokeWidth: 1 },
          encoding: {
            y,
            x: { field: 'min', type: 'quantitative' },
            x2: { field: 'max' },
          },
        },
      ],
    },
    resolve: { scale: { x: scale, y: 'independent' } },
  } as TopLevelSpec
}

/** How it grows: both axes by powers. */
function growth(rows: readonly Row[], x: string, y: string, byteUnit: number): TopLevelSpec {
  const { domain, range } = colourScale(rows)
  return {
    config,
    width: 520,
    height: 320,
    data: {
      values: rows.map((row) => ({
        contender: row.contender,
        median: row.median,
        size: row.bytes! / byteUnit,
        data: row.case.endsWith('repeated') ? 'repeated' : 'resident',
      })),
    },
    encoding: {
      x: {
        field: 'size',
        type: 'quantitative',
        title: x,
        scale: { type: 'log', base: 2 },
        axis: { values: unique(rows.map((row) => row.bytes! / byteUnit)), format: ',' },
      },
      y: {
        field: 'median',
        type: 'quantitative',
        title: y,
        scale: { type: 'log' },
        axis: { format: '~s', tickCount: 6 },
      },
      color: {
        field: 'contender',
        type: 'nominal',
        scale: { domain, range },
        title: null,
        legend: { labelLimit: 500 },
      },
    },
    layer: [
      { mark: 'line', transform: [{ filter: "datum.data == 'resident'" }] },
      {
        mark: { type: 'point', size: 60, opacity: 1 },
        encoding: {
          ...(rows.some((row) => row.case.endsWith('repeated'))
            ? { shape: { field: 'data', type: 'nominal', title: null } }
            : {}),
        },
      },
    ],
  } as TopLevelSpec
}

const GiB = 2 ** 30
const MiB = 2 ** 20

/** What there is to plot of a suite. */
const plotted: Record<string, (rows: readonly Row[]) => TopLevelSpec> = {
  scan: (rows) => bars(rows, 'GB/s, more is better'),
  tpch: (rows) => bars(rows, 'milliseconds, less is better', { scale: 'independent' }),
  switch: (rows) => growth(rows, 'window, MiB', 'nanoseconds per switch', MiB),
  windows: (rows) => bars(rows, 'GB/s, more is better', { columns: 1 }),
  growth: (rows) => growth(rows, 'data, GiB', 'seconds', GiB),
  'cold-start': (rows) => bars(rows, 'milliseconds, less is better', { scale: 'independent' }),
}

/** SVG of each plot that these results are enough for, by the name of its suite. */
export async function plots(results: Results): Promise<Map<string, string>> {
  const made = new Map<string, string>()
  for (const [suite, specify] of Object.entries(plotted)) {
    const rows = results.rows.filter((row) => row.suite === suite)
    if (rows.length === 0) continue
    // The layers of a facet have the same contenders, which vega-lite warns that it takes for granted.
    const { spec } = compile(specify(rows), { logger: logger(errorLevel) })
    const view = new View(parse(spec), { renderer: 'none' })
    try {
      made.set(suite, await view.toSVG())
    } finally {
      view.finalize()
    }
  }
  return made
}
