import type { Aim, Results, Row } from '../results.ts'
import { formatCell, formatMeasured, formatSize, unique } from './format.ts'

function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...lines.map(line)].join('\n')
}

/** A line for each contender, a column for each case. Medians; in brackets how many times as fast as the baseline. */
export function suiteTable(rows: readonly Row[]): string {
  const cases = unique(rows.map((row) => row.case))
  const contenders = unique(rows.map((row) => row.contender))
  const cells = contenders.map((contender) => [
    contender,
    ...cases.map((name) => {
      const row = rows.find((it) => it.contender === contender && it.case === name)
      return row === undefined ? '' : formatCell(row)
    }),
  ])
  const notes = unique(
    rows.flatMap(({ contender, note }) => (note === undefined ? [] : [`${contender}: ${note}.`])),
  )
  const baselines = unique(rows.map(({ baseline }) => baseline))
  return [
    table(['', ...cases], cells),
    `In brackets: how many times as fast as ${baselines.join(', or ')}.`,
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
  ].join('\n\n')
}

export function aimsTable(aims: readonly Aim[]): string {
  return table(
    ['Aim', 'Case', 'Measured', ''],
    aims.map((aim) => [
      aim.aim,
      aim.case,
      formatMeasured(aim),
      aim.met ? 'met' : `**missed by ${Math.ceil(100 * missedBy(aim))} %**`,
    ]),
  )
}

/** As a share of the target. */
function missedBy({ measured, target }: Aim): number {
  return Math.abs(1 - measured / target)
}

export function machineTable({ machine, date, seconds, rounds, remarks }: Results): string {
  return [
    table(
      ['', ''],
      [
        ['Processor', `${machine.processor}; ${machine.cores} cores for this machine`],
        [
          'Memory',
          `${formatSize(machine.memoryBytes)}; transparent huge pages: ${machine.hugePages}`,
        ],
        ['System', machine.kernel],
        ['Node', `${machine.node}, with V8 ${machine.nodeV8}`],
        ['v8-rawmem', `${machine.package}, with V8 ${machine.patchedV8}`],
        ['Compiler of the native contenders', machine.compiler],
        ['DuckDB', machine.duckdb],
        ['Run', `${date.slice(0, 10)}, ${Math.round(seconds / 60)} minutes, ${rounds} rounds`],
      ],
    ),
    ...remarks.map((remark) => `\n- ${remark}`),
  ].join('\n')
}
