import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import wabt from 'wabt'

// What V8 has switched on; the types of wabt lag behind what it knows.
const features = {
  bulk_memory: true,
  memory64: true,
  multi_memory: true,
  multi_value: true,
  mutable_globals: true,
  reference_types: true,
  simd: true,
} as Parameters<Awaited<ReturnType<typeof wabt>>['parseWat']>[2]

/** The binary of a module in WebAssembly's text format. */
export async function compileText(file: URL): Promise<Uint8Array<ArrayBuffer>> {
  const path = fileURLToPath(file)
  const [tools, text] = await Promise.all([wabt(), readFile(path, 'utf8')])
  const module = tools.parseWat(basename(path), text, features)
  try {
    return new Uint8Array(module.toBinary({}).buffer)
  } finally {
    module.destroy()
  }
}
