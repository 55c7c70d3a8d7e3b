import test from 'ava'
import { binaryenText } from '../support/binaryen-text.ts'
import { runScript } from '../support/run-script.ts'
import { windowSwitchText } from './window-switch-text.ts'

const pageSize = 65536
const sizeOf = (window: number) => pageSize * (1 + (window % 5)) + window
const pages = (window: number) => Math.floor(sizeOf(window) / pageSize)

/** Bytes of window n are all n + 1; every function begins in window 0. */
function expected(): unknown {
  const oneThenTwo = 1 + 1000 * 2
  let loop = 0
  for (let i = 1; i <= 6; ++i) loop = loop * 3 + i
  let scan = 0
  for (let i = 1; i <= 20; ++i) scan += sizeOf(i) * (i + 1)
  return {
    direct: oneThenTwo,
    constant: oneThenTwo,
    loop,
    scan: String(scan),
    branchTaken: oneThenTwo,
    branchNotTaken: 1 + 1000,
    callee: oneThenTwo,
    afterCallee: 2,
    deep: 2,
    indirect: oneThenTwo,
    indirectCallee: 2,
    reference: oneThenTwo,
    referenceCallee: 2,
    caught: oneThenTwo,
    sizes: [0, 1, 3, 4].map((i) => pages(i) + 1000 * pages(i + 1)),
    last: [2, 3, 4, 5, 6, 7],
    beyond: Array(6).fill('memory access out of bounds'),
    store: [11, 251],
    bulk: [Array(13).fill(11), [12, 250, 250, 250, 12, 12, 12, 12, 12, 250, 250, 250, 12]],
    simd: oneThenTwo,
  }
}

const configurations: [string, Record<string, string>][] = [
  ['as the package comes', {}],
  ['Liftoff only', { V8_RAWMEM_FLAGS: '--liftoff-only' }],
  ['Turboshaft only', { V8_RAWMEM_FLAGS: '--no-liftoff' }],
  ['Turboshaft only, without inlining', { V8_RAWMEM_FLAGS: '--no-liftoff --no-wasm-inlining' }],
  [
    'Turboshaft only, compiled ahead',
    { V8_RAWMEM_FLAGS: '--no-liftoff --no-wasm-lazy-compilation' },
  ],
  [
    'Liftoff, then Turboshaft with what Liftoff learnt about calls',
    {
      V8_RAWMEM_FLAGS:
        '--wasm-liftoff-min-code-size=0 --wasm-tiering-budget=500 --wasm-sync-tier-up --no-wasm-inlining-ignore-call-counts',
      ROUNDS: '60',
    },
  ],
  [
    'Liftoff, then Turboshaft with everything inlined',
    {
      V8_RAWMEM_FLAGS:
        '--wasm-liftoff-min-code-size=0 --wasm-tiering-budget=500 --wasm-sync-tier-up --wasm-inlining-ignore-call-counts',
      ROUNDS: '60',
    },
  ],
  [
    'without loop unrolling and peeling',
    { V8_RAWMEM_FLAGS: '--no-liftoff --no-wasm-loop-unrolling --no-wasm-loop-peeling' },
  ],
  ['tiering baseline', { V8_RAWMEM_TIERING: 'baseline' }],
  ['tiering dynamic', { V8_RAWMEM_TIERING: 'dynamic', ROUNDS: '30' }],
  ['tiering optimize', { V8_RAWMEM_TIERING: 'optimize' }],
]

const script = new URL('./window-switch.ts', import.meta.url)
const args = ([0, 1] as const).map((memory) =>
  Buffer.from(binaryenText(windowSwitchText(memory))).toString('base64'),
)

for (const [name, env] of configurations) {
  test.serial(`code sees the window that an import switched to: ${name}`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(script, { args, env })
    t.is(signal, null)
    t.is(exitCode, 0, stderr)
    // V8 says on standard error what it does not know of.
    t.is(stderr, '')
    t.deepEqual(JSON.parse(stdout), { 'memory 0': expected(), 'memory 1': expected() })
  })
}
