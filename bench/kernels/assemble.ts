import wabt from 'wabt'

const tools = await wabt()

// Its types know less than it does.
const features = { memory64: true, simd: true } as Parameters<typeof tools.parseWat>[2]

/** The binary of a WebAssembly module in text format. */
export function assemble(name: string, text: string): Uint8Array<ArrayBuffer> {
  const module = tools.parseWat(name, text, features)
  try {
    return new Uint8Array(module.toBinary({}).buffer)
  } finally {
    module.destroy()
  }
}
