// Read when the engine starts, which the import below does.
process.env.V8_RAWMEM_FLAGS =
  '--wasm-liftoff-min-code-size=0 --wasm-tiering-budget=1 --wasm-sync-tier-up'

const { attachedMemorySuite } = await import('./suite.ts')

attachedMemorySuite({ rounds: 3 })
