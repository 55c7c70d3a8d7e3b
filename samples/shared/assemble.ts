import wabt from 'wabt'

const tools = await wabt()

// What V8 has switched on; the types of wabt lag behind what it knows.
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

/** The binary of a module in WebAssembly's text format; `name` is for error messages. */
export function assemble(name: string, text: string): Uint8Array<ArrayBuffer> {
  const module = tools.parseWat(name, text, features)
  try {
    return new Uint8Array(module.toBinary({}).buffer)
  } finally {
    module.destroy()
  }
}
