import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { $ } from 'zx'
import { buildFuzzers } from '../../sdk/sdk-tests.ts'
import { Random } from '../../support/random.ts'
import type { Kind } from '../kind.ts'

/** Inputs that once did harm, made small by libFuzzer: one folder for each fuzzer. */
const corpus = join(import.meta.dirname, '../corpus/cpp')

const fuzzers = ['entry-points', 'modules', 'window-cursor'] as const
const flags = ['', '--liftoff-only', '--no-liftoff']

let built: { folder: string; modules: string } | undefined

/** libFuzzer on the entry points of the SDK, and on what needs no V8. */
export const cpp: Kind = {
  description: 'C++ entry points of the SDK and of the addon, by libFuzzer with AddressSanitizer',
  async prepare(variant) {
    built = await buildFuzzers(variant)
  },
  async round(seed, { milliseconds, signal }) {
    const { folder, modules } = built!
    const fuzzer = fuzzers[seed % fuzzers.length]!
    const harmful = join(corpus, fuzzer)
    // What libFuzzer found worth keeping, for the next rounds. It is not part of the project.
    const found = join(folder, 'found', fuzzer)
    for (const path of [harmful, found]) mkdirSync(path, { recursive: true })
    // Each fuzzer gets all flags in the course of nine seeds; window-cursor has no V8.
    const v8Flags =
      fuzzer === 'window-cursor' ? '' : flags[Math.floor(seed / fuzzers.length) % flags.length]!
    const run = $({
      nothrow: true,
      quiet: true,
      env: {
        ...process.env,
        // It has a sanitizer of its own, unlike Node.
        LD_PRELOAD: '',
        V8_RAWMEM_FLAGS: v8Flags,
        // V8 reserves far more addresses than there is memory, and frees nothing at the end.
        ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
      },
    })
    const inputs = fuzzer === 'modules' ? modules : makeInputs(join(folder, 'random'), seed)
    const result =
      await run`${join(folder, fuzzer)} ${found} ${harmful} ${inputs} -len_control=0 -seed=${(seed % 2 ** 31) + 1} -max_total_time=${Math.ceil(milliseconds / 1000)} -timeout=20 -rss_limit_mb=4096 -max_len=4096 -artifact_prefix=${harmful}/ -print_final_stats=1`
    signal.throwIfAborted()
    const runs = /number_of_executed_units: (\d+)/.exec(result.stderr)?.[1]
    const summary = `${fuzzer} ${v8Flags}: ${runs} inputs`
    if (result.exitCode === 0) return { summary }
    const artifact = /written to (\S+)/.exec(result.stderr)?.[1]
    if (artifact !== undefined) {
      await run`${join(folder, fuzzer)} ${artifact} -minimize_crash=1 -exact_artifact_path=${artifact} -max_total_time=60`
    }
    const output = result.stderr.trim().split('\n').slice(-60).join('\n')
    return { summary, failure: `${output}\nThe minimised input is in ${artifact}.` }
  },
}

/**
 * Random inputs to begin with. V8 tells libFuzzer nothing of what it ran, so sequences of calls do not
 * become longer by themselves.
 */
function makeInputs(folder: string, seed: number): string {
  mkdirSync(folder, { recursive: true })
  const random = new Random(seed)
  for (let i = 0; i < 20; ++i) {
    const bytes = Uint8Array.from({ length: 50 + random.below(1000) }, () => random.below(256))
    writeFileSync(join(folder, String(i)), bytes)
  }
  return folder
}
