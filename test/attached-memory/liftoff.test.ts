// Read when the engine starts, which the import below does.
process.env.V8_RAWMEM_FLAGS = '--liftoff-only'

const { attachedMemorySuite } = await import('./suite.ts')

attachedMemorySuite({ rounds: 1 })
