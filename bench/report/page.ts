import type { Results } from '../results.ts'
import { aimsTable, machineTable, suiteTable } from './tables.ts'

const block = /(<!-- begin ([a-z-]+) -->\n)[\s\S]*?(<!-- end \2 -->)/g

/**
 * Replaces the tables and plots of the page, between `<!-- begin NAME -->` and `<!-- end NAME -->`. The plots are beside it.
 */
export function renderPage(page: string, results: Results, plots: ReadonlySet<string>): string {
  return page.replace(block, (_, begin: string, name: string, end: string) => {
    const content = contentOf(name, results)
    const plot = plots.has(name) ? `![${name}](${name}.svg)\n\n` : ''
    return `${begin}\n${plot}${content}\n\n${end}`
  })
}

function contentOf(name: string, results: Results): string {
  if (name === 'machine') return machineTable(results)
  if (name === 'aims') return aimsTable(results.aims)
  const rows = results.rows.filter(({ suite }) => suite === name)
  return rows.length === 0 ? 'Not measured in this run.' : suiteTable(rows)
}
