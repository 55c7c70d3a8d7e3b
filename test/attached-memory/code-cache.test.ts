// Read when the engine starts, which the import below does.
process.env.V8_RAWMEM_FLAGS =
  '--no-liftoff --no-wasm-lazy-compilation --no-wasm-native-module-cache'

const { attachedMemorySuite } = await import('./suite.ts')

attachedMemorySuite({ rounds: 1, throughCodeCache: true })
