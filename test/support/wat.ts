import wabt from 'wabt'

const tools = await wabt()

// Its types know less than it does.
const features = {
  bulk_memory: true,
  exceptions: true,
  function_references: true,
  memory64: true,
  multi_memory: true,
  multi_value: true,
  mutable_globals: true,
  reference_types: true,
  simd: true,
  tail_call: true,
  threads: true,
} as Parameters<typeof tools.parseWat>[2]

/** The binary of a module in text format, with the features that V8 ships. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  const module = tools.parseWat('test.wat', text, features)
  try {
    return new Uint8Array(module.toBinary({}).buffer)
  } finally {
    module.destroy()
  }
}
