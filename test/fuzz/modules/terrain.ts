import type { BackendName } from 'v8-rawmem'
import { systemPage } from '../../support/page-size.ts'
import type { RegionSpec } from './case.ts'

/** What programs may do on a backend; docs/backends.md says why. */
export interface Terrain {
  readonly memories: number
  readonly addresses: readonly ('i32' | 'i64')[]
  /** Regions of any length that begin anywhere. Otherwise they have the memory's own length. */
  readonly anyRegion: boolean
  /** Whether regions begin at any byte, for atomic accesses as well. */
  readonly anyStart: boolean
  readonly hostWindows: boolean
  /** Bulk operations and atomic accesses in host windows. */
  readonly everythingInWindows: boolean
  /** `memory.attach`, beside `setWasmInstanceRawMemory`. */
  readonly attachMemory: boolean
  readonly grow: 'anything' | 'one page or more' | 'no'
  /**
   * Modules are compiled with `{ boundsChecks: 'region' }`: their regions are whole pages with a guard behind them, and their
   * memories are not imported.
   */
  readonly trusted: boolean
  /** Flags of V8 by name. They are of the patched engine, or of Node. */
  readonly tiers: Readonly<Record<string, string>>
}

const dynamic = '--wasm-tiering-budget=1 --wasm-sync-tier-up'

const isNode22OrLater = Number(process.versions.node.split('.')[0]) >= 22
const hasSeveralMemories = isNode22OrLater

const nodeTiers = {
  liftoff: '--liftoff-only',
  turboshaft: '--no-liftoff',
  // Node 20 cannot wait for the compiler.
  dynamic: isNode22OrLater ? dynamic : '--wasm-tiering-budget=1',
}

export const terrains: Readonly<Record<BackendName, Terrain>> = {
  patched: {
    memories: 3,
    addresses: ['i32', 'i32', 'i64'],
    anyRegion: true,
    anyStart: true,
    hostWindows: true,
    everythingInWindows: true,
    attachMemory: true,
    grow: 'anything',
    trusted: false,
    tiers: {
      default: '',
      liftoff: '--liftoff-only',
      turboshaft: '--no-liftoff',
      dynamic: `--wasm-liftoff-min-code-size=0 ${dynamic}`,
      inlining:
        '--no-liftoff --wasm-inlining-ignore-call-counts --wasm-inlining-min-budget=10000 --wasm-inlining-budget=100000',
      'code-cache': '--no-liftoff --no-wasm-lazy-compilation --no-wasm-native-module-cache',
      'trusted-liftoff': '--liftoff-only',
      'trusted-turboshaft': '--no-liftoff',
    },
  },
  'node-raw': {
    memories: hasSeveralMemories ? 3 : 1,
    addresses: hasSeveralMemories ? ['i32', 'i32', 'i64'] : ['i32'],
    anyRegion: true,
    anyStart: false,
    hostWindows: false,
    everythingInWindows: false,
    attachMemory: false,
    grow: 'one page or more',
    trusted: false,
    tiers: nodeTiers,
  },
  'node-rewire': {
    memories: hasSeveralMemories ? 3 : 1,
    addresses: hasSeveralMemories ? ['i32', 'i32', 'i64'] : ['i32'],
    anyRegion: false,
    anyStart: false,
    hostWindows: true,
    everythingInWindows: false,
    attachMemory: false,
    grow: 'no',
    trusted: false,
    tiers: nodeTiers,
  },
}

export function terrainOf({ backend, tier }: Setting): Terrain {
  return { ...terrains[backend], trusted: tier.startsWith('trusted') }
}

/** A region of so many bytes. Where it has to begin at a multiple of 16, more canaries lie between it and the guard page. */
export function regionOn({ anyStart, trusted }: Terrain, { length, gap }: RegionSpec): RegionSpec {
  if (trusted) return { length: Math.ceil(length / systemPage) * systemPage, gap: 0 }
  return { length, gap: anyStart ? gap : gap + (-(length + gap) & 15) }
}

/** A backend under one choice of compilers. */
export interface Setting {
  readonly backend: BackendName
  readonly tier: string
}

export const settings: readonly Setting[] = Object.entries(terrains).flatMap(
  ([backend, { tiers }]) =>
    Object.keys(tiers).map((tier) => ({ backend: backend as BackendName, tier })),
)
