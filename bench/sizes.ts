import { blockBytes } from '../samples/query-jit/tpch/lineitem.ts'
import type { Sizes } from './context.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

export const fullSizes: Sizes = {
  column: 4 * GiB,
  cached: 512 * KiB,
  window: GiB,
  smallWindow: 256 * KiB,
  lineitem: 2 * GiB,
  switched: [2 * MiB, 64 * MiB, GiB],
  resident: [GiB, 4 * GiB, 16 * GiB],
  repeated: [64 * GiB],
  cold: [512 * KiB, 64 * MiB],
}

/** Enough to run every line. */
export const quickSizes: Sizes = {
  column: 4 * MiB,
  cached: 256 * KiB,
  window: MiB,
  smallWindow: 256 * KiB,
  lineitem: 4 * blockBytes,
  switched: [2 * MiB],
  resident: [MiB, 2 * MiB],
  repeated: [8 * MiB],
  cold: [512 * KiB],
}
