// Turnover, range and distribution of trades: an ordinary program in AssemblyScript. The columns are
// two files that the host has mapped: prices (f64) and volumes (u32), read in lockstep.

import * as rawmem from "../../../guests/assemblyscript/rawmem"

const prices = 0
const volumes = 1
const buckets = 8
// The columns of a block fill whole pages of the system, which node-rewire maps.
const block: usize = 1 << 17

/** For the host: turnover, lowest and highest price, trades and volume, then the histogram. */
export const result: usize = memory.data((5 + buckets) * 8)

const trades = rawmem.size(prices) / 8
if (rawmem.size(volumes) / 4 != trades) {
  process.stderr.write("the columns differ in length\n")
  process.exit(2)
}

let turnover = 0.0
let lowest = Infinity
let highest = -Infinity
let volumeSum: u64 = 0
const histogram = new StaticArray<u64>(buckets)
const byPrice = new Map<u32, u64>()

for (let first: u64 = 0; first < trades; first += block) {
  const count = rawmem.map(prices, first * 8, block * 8) / 8
  assert(rawmem.map(volumes, first * 4, block * 4) / 4 == count)
  for (let i: usize = 0; i < count; i++) {
    const price = load<f64>(rawmem.address(prices) + i * 8)
    const volume = load<u32>(rawmem.address(volumes) + i * 4)
    turnover += price * <f64>volume
    volumeSum += volume
    lowest = min(lowest, price)
    highest = max(highest, price)
    histogram[min(<i32>price / 8, buckets - 1)]++
    const key = <u32>price
    byPrice.set(key, (byPrice.has(key) ? byPrice.get(key) : 0) + volume)
  }
}

let busiest: u32 = 0
let most: u64 = 0
const known = byPrice.keys()
for (let i = 0; i < known.length; i++) {
  const volume = byPrice.get(known[i])
  if (volume > most || (volume == most && known[i] < busiest)) {
    busiest = known[i]
    most = volume
  }
}

store<f64>(result, turnover)
store<f64>(result + 8, lowest)
store<f64>(result + 16, highest)
store<u64>(result + 24, trades)
store<u64>(result + 32, volumeSum)
for (let i = 0; i < buckets; i++) store<u64>(result + 40 + 8 * i, histogram[i])

console.log(process.argv.length > 1 ? process.argv[1] : "trades")
console.log(`${trades} trades, volume ${volumeSum}, turnover ${<i64>turnover}`)
console.log(`price ${<i64>Math.floor(lowest)} to ${<i64>Math.ceil(highest)}, busiest at ${busiest}`)
for (let i = 0; i < buckets; i++) {
  console.log(`${(8 * i).toString().padStart(2)}: ${histogram[i]}`)
}
