import { execFileSync } from 'node:child_process'
import test from 'ava'
import { runScript } from '../support/run-script.ts'

// Each release knows some of these.
const available = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })

const v8 = Number.parseFloat(process.versions.v8)

/** V8 itself ends, or never ends, with these: modules of Node's own namespace, too. */
const unfinished = v8 < 12 ? ['--turboshaft-wasm'] : v8 < 13 ? ['--wasm-sync-tier-up'] : []

function known(flags: string): string[] {
  return flags.split(' ').filter((flag) => {
    if (flag === '' || unfinished.includes(flag)) return false
    const name = flag.replace(/^--(?:no-)?/, '').replace(/=.*/, '')
    return available.includes(`--${name} `) || available.includes(`--no-${name} `)
  })
}

const inlining =
  '--experimental-wasm-inlining --wasm-inlining --wasm-inlining-ignore-call-counts --wasm-inlining-min-budget=10000 --wasm-inlining-budget=100000 --wasm-inlining-call-indirect'

const configurations: Record<string, { flags: string; rounds: number }> = {
  'as Node does': { flags: '', rounds: 100 },
  'Liftoff only': { flags: '--liftoff-only', rounds: 2 },
  'optimised at once': { flags: '--no-liftoff', rounds: 2 },
  'optimised at once, by Turboshaft': { flags: '--no-liftoff --turboshaft-wasm', rounds: 2 },
  'Liftoff, then optimised': {
    flags: '--wasm-tiering-budget=20000 --wasm-sync-tier-up',
    rounds: 40,
  },
  'everything inlined': { flags: `--no-liftoff ${inlining}`, rounds: 2 },
  'inlined after feedback': {
    flags: `--wasm-tiering-budget=20000 --wasm-sync-tier-up ${inlining}`,
    rounds: 40,
  },
  'inlined into JavaScript': {
    flags:
      '--no-liftoff --turboshaft-wasm-in-js-inlining --turbolev-inline-js-wasm-wrappers --always-turbofan',
    rounds: 4,
  },
  'loops unrolled and peeled': {
    flags: '--no-liftoff --wasm-loop-unrolling --wasm-loop-peeling',
    rounds: 2,
  },
  'garbage collected all the time': { flags: '--gc-interval=50 --stress-compaction', rounds: 1 },
}

for (const [name, { flags, rounds }] of Object.entries(configurations)) {
  test.serial(`every access, in every window, is where it has to be: ${name}`, async (t) => {
    const result = await runScript(new URL('node-raw-code.ts', import.meta.url), {
      nodeArgs: known(flags),
      args: [String(rounds)],
    })
    t.is(result.signal, null, result.stderr)
    t.is(result.exitCode, 0, result.stderr)
    const checked = JSON.parse(result.stdout) as { memories: number; accesses: number }
    t.true(checked.accesses > 200)
    t.is(checked.memories, v8 < 12 ? 1 : 2)
  })
}
