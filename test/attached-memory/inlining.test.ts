// Read when the engine starts, which the import below does.
process.env.V8_RAWMEM_FLAGS =
  '--no-liftoff --wasm-inlining-ignore-call-counts --wasm-inlining-min-budget=10000 --wasm-inlining-budget=100000'

const { attachedMemorySuite } = await import('./suite.ts')

attachedMemorySuite({ rounds: 1 })
