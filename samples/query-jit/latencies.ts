/** How long the steps of many queries took, in milliseconds, by the name of the step. */
export type Latencies = ReadonlyMap<string, readonly number[]>

const quantiles = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['max', 1],
] as const

/** The smallest of `sorted` that at least `share` of them do not exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

function formatMilliseconds(milliseconds: number): string {
  return milliseconds < 1
    ? `${(milliseconds * 1000).toFixed(1)} µs`
    : `${milliseconds.toFixed(2)} ms`
}

/** A table with a line for each step. */
export function formatLatencies(latencies: Latencies): string[] {
  const cells = [...latencies].map(([step, values]) => {
    const sorted = [...values].sort((a, b) => a - b)
    return [step, ...quantiles.map(([, share]) => formatMilliseconds(quantile(sorted, share)))]
  })
  return [['', ...quantiles.map(([name]) => name)], ...cells].map(([step, ...numbers]) =>
    `${''.padEnd(10)} ${step!.padEnd(16)}${numbers.map((text) => text.padStart(12)).join('')}`.trimEnd(),
  )
}
