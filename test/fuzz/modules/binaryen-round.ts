// Programs of Binaryen's generator (wasm-opt -ttf) in a process of their own:
// node binaryen-round.ts <backend> <tier> <first seed> <milliseconds> <most programs> <folder>
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type BackendName, openBackend } from 'v8-rawmem'
import { Random } from '../../support/random.ts'
import { binaryenDifference } from './binaryen-compare.ts'
import { terrains } from './terrain.ts'

const [name, tier, firstSeed, milliseconds, most, folder] = process.argv.slice(2)

const wasmOpt = join(
  dirname(createRequire(import.meta.url).resolve('binaryen/package.json')),
  'bin/wasm-opt',
)

// What every release of Node that is supported can run.
const features = [
  '--enable-bulk-memory',
  '--enable-bulk-memory-opt',
  '--enable-multivalue',
  '--enable-mutable-globals',
  '--enable-nontrapping-float-to-int',
  '--enable-reference-types',
  '--enable-sign-ext',
  '--enable-simd',
  '--enable-tail-call',
]

/** The program that Binaryen makes of random bytes. NaNs are left out: their bits may differ. */
function make(seed: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed)
  const [input, output] = [join(folder!, 'input'), join(folder!, 'program.wasm')]
  writeFileSync(
    input,
    Uint8Array.from({ length: 3000 + random.below(8000) }, () => random.below(256)),
  )
  const args = [wasmOpt, input, '-ttf', '--denan', '-q', ...features, '-o', output]
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return Uint8Array.from(readFileSync(output))
}

const backend = openBackend(name as BackendName)
const { hostWindows } = terrains[name as BackendName]
const end = Date.now() + Number(milliseconds)
let programs = 0
let calls = 0
while (programs < Number(most) && Date.now() < end) {
  const seed = Number(firstSeed) + programs++
  const bytes = make(seed)
  for (const withWindows of hostWindows ? [false, true] : [false]) {
    const result = binaryenDifference(bytes, backend, {
      throughCodeCache: tier === 'code-cache',
      hostWindows: withWindows,
    })
    calls += result.calls
    if (result.difference === undefined) continue
    console.error(`program ${seed}, ${withWindows ? 'with' : 'without'} host windows`)
    console.error(result.difference)
    process.exit(1)
  }
}
console.log(JSON.stringify({ programs, calls }))
