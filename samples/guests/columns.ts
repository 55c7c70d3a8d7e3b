/** What the programs in this folder find out about trades. */
export interface Summary {
  readonly turnover: number
  readonly lowest: number
  readonly highest: number
  readonly trades: bigint
  readonly volume: bigint
  readonly histogram: readonly bigint[]
}

export interface Columns {
  readonly prices: Float64Array<ArrayBuffer>
  readonly volumes: Uint32Array<ArrayBuffer>
}

const buckets = 8

/** Trades that are the same every time. All sums of them are exact, in whatever order they are added. */
export function makeTrades(count: number): Columns {
  const prices = new Float64Array(count)
  const volumes = new Uint32Array(count)
  let state = 1
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    prices[i] = ((state >>> 8) % 256) / 4
    volumes[i] = 4 * ((state >>> 16) % 1000)
  }
  return { prices, volumes }
}

/** The same as the programs, in JavaScript. */
export function summarize({ prices, volumes }: Columns): Summary {
  const histogram = new Array<bigint>(buckets).fill(0n)
  let [turnover, volume, lowest, highest] = [0, 0, Infinity, -Infinity]
  for (const [i, price] of prices.entries()) {
    turnover += price * volumes[i]!
    volume += volumes[i]!
    lowest = Math.min(lowest, price)
    highest = Math.max(highest, price)
    histogram[Math.min(Math.floor(price / 8), buckets - 1)]! += 1n
  }
  const trades = BigInt(prices.length)
  return { turnover, lowest, highest, trades, volume: BigInt(volume), histogram }
}

/** Reads the struct `result` of a program: three doubles, then integers of 64 bits. */
export function readSummary(memory: ArrayBuffer, address: number): Summary {
  const [turnover, lowest, highest] = new Float64Array(memory, address, 3) as unknown as [
    number,
    number,
    number,
  ]
  const [trades, volume, ...histogram] = new BigUint64Array(memory, address + 24, 2 + buckets)
  return { turnover, lowest, highest, trades: trades!, volume: volume!, histogram }
}

/** What the programs print. */
export function textOf(
  title: string,
  { prices, volumes }: Columns,
  { turnover, lowest, highest, trades, volume, histogram }: Summary,
): string {
  const byPrice = new Array<number>(64).fill(0)
  for (const [i, price] of prices.entries()) byPrice[Math.floor(price)]! += volumes[i]!
  const busiest = byPrice.indexOf(Math.max(...byPrice))
  return [
    title,
    `${trades} trades, volume ${volume}, turnover ${turnover}`,
    `price ${Math.floor(lowest)} to ${Math.ceil(highest)}, busiest at ${busiest}`,
    ...histogram.map((count, i) => `${String(8 * i).padStart(2)}: ${count}`),
    '',
  ].join('\n')
}
