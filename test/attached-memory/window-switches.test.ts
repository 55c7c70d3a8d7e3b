import test from 'ava'
import { binaryenText } from '../support/binaryen-text.ts'
import { runScript } from '../support/run-script.ts'
import { referenceCalls } from './reference-calls.ts'

interface Configuration {
  readonly flags?: string
  readonly tiering?: string
  readonly rounds?: number
  readonly throughCodeCache?: boolean
}

const configurations: Record<string, Configuration> = {
  'as the package comes': {},
  'Liftoff only': { flags: '--liftoff-only' },
  'Turboshaft only': { flags: '--no-liftoff' },
  'Turboshaft only, without inlining': { flags: '--no-liftoff --no-wasm-inlining' },
  'Turboshaft only, with everything inlined': {
    flags:
      '--no-liftoff --wasm-inlining-ignore-call-counts --wasm-inlining-min-budget=10000 --wasm-inlining-budget=100000',
  },
  'Turboshaft only, compiled ahead': { flags: '--no-liftoff --no-wasm-lazy-compilation' },
  'Turboshaft only, deserialized': {
    flags: '--no-liftoff --no-wasm-lazy-compilation --no-wasm-native-module-cache',
    throughCodeCache: true,
  },
  'Liftoff, then Turboshaft at once': {
    flags: '--wasm-liftoff-min-code-size=0 --wasm-tiering-budget=1 --wasm-sync-tier-up',
    rounds: 3,
  },
  'Liftoff, then Turboshaft with what Liftoff learnt about calls': {
    flags:
      '--wasm-liftoff-min-code-size=0 --wasm-tiering-budget=500 --wasm-sync-tier-up --no-wasm-inlining-ignore-call-counts',
    rounds: 60,
  },
  'Liftoff, then Turboshaft with everything inlined': {
    flags:
      '--wasm-liftoff-min-code-size=0 --wasm-tiering-budget=500 --wasm-sync-tier-up --wasm-inlining-ignore-call-counts',
    rounds: 60,
  },
  'without loop unrolling and peeling': {
    flags: '--no-liftoff --no-wasm-loop-unrolling --no-wasm-loop-peeling',
  },
  'tiering baseline': { tiering: 'baseline' },
  'tiering dynamic': { tiering: 'dynamic', rounds: 30 },
  'tiering optimize': { tiering: 'optimize' },
}

const script = new URL('./window-switches.ts', import.meta.url)
const modules = ([0, 1] as const).map((memory) =>
  Buffer.from(binaryenText(referenceCalls(memory))).toString('base64'),
)
const expected = [0, 1].flatMap((memory) => [
  `memory ${memory} of its own`,
  ...['instance', 'memory'].flatMap((way) => [
    `memory ${memory}, by ${way}`,
    `memory ${memory}, by ${way}: references`,
  ]),
])

for (const [name, configuration] of Object.entries(configurations)) {
  const { flags, tiering, rounds = 1, throughCodeCache = false } = configuration
  test.serial(`code goes on in the window that an import attached: ${name}`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(script, {
      args: [String(rounds), String(throughCodeCache), ...modules],
      env: {
        ...(flags !== undefined && { V8_RAWMEM_FLAGS: flags }),
        ...(tiering !== undefined && { V8_RAWMEM_TIERING: tiering }),
      },
    })
    t.is(signal, null)
    t.is(exitCode, 0, stderr)
    // V8 says on standard error what it does not know of.
    t.is(stderr, '')
    t.deepEqual(JSON.parse(stdout), expected)
  })
}
