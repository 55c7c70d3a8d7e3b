import { say } from '../../build-scripts/shared/terminal.ts'
import type { Judgement, Verdict } from './verdict.ts'

const columns = ['correct', 'clear error', 'unclear error', 'wrong artifact'] as const

/** Counts verdicts by what was done, and remembers those that must not be. */
export class Tally {
  readonly #rows = new Map<string, Map<Verdict, number>>()
  readonly failures: string[] = []
  #count = 0
  #told = Date.now()

  add(row: string, { verdict, detail }: Judgement, what = row): void {
    const counts = this.#rows.get(row) ?? new Map<Verdict, number>()
    this.#rows.set(row, counts)
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
    this.#count++
    if (Date.now() - this.#told > 30_000) {
      this.#told = Date.now()
      say(`${this.#count} builds judged, at last: ${what}`)
    }
    if (verdict === 'correct' || verdict === 'clear error') return
    const failure = `${verdict}: ${what}\n${detail.replace(/^/gm, '    ')}`
    this.failures.push(failure)
    say(failure)
  }

  /** For a run after which nothing may be asked of the user: an error, however clear, is one too many. */
  addRequired(row: string, judgement: Judgement, what = row): void {
    const { verdict, detail } = judgement
    const wanted =
      verdict === 'clear error'
        ? ({ verdict: 'unclear error', detail: `it should go on: ${detail}` } as const)
        : judgement
    this.add(row, wanted, what)
  }

  print(title: string): void {
    if (this.#rows.size === 0) return
    const rows = [...this.#rows].map(([name, counts]) => [
      name,
      ...columns.map((column) => String(counts.get(column) ?? 0)),
    ])
    const sums = columns.map((_, index) =>
      String(rows.reduce((sum, row) => sum + Number(row[index + 1]), 0)),
    )
    const table = [[title, ...columns], ...rows, ['together', ...sums]]
    const widths = table[0]!.map((_, column) =>
      Math.max(...table.map((row) => row[column]!.length)),
    )
    say('')
    for (const row of table) {
      say(
        row
          .map((cell, column) =>
            column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
          )
          .join('  '),
      )
    }
  }
}
