import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { CommandError } from './command-error.ts'

/** Features of the text format that V8 can run. Wabt's types lack some of them. */
const features = {
  bulk_memory: true,
  exceptions: true,
  function_references: true,
  memory64: true,
  multi_memory: true,
  multi_value: true,
  mutable_globals: true,
  reference_types: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  tail_call: true,
  threads: true,
}

/** Wabt's `text:line:column: error: what`, without the excerpt below it. */
function firstComplaint(path: string, message: string): string {
  const found = /^text(:\d+:\d+: )error: (.*)$/m.exec(message)
  return found ? `${path}${found[1]}${found[2]}` : `${path}: ${message.trim()}`
}

async function assemble(path: string, text: string): Promise<Uint8Array> {
  const { default: wabt } = await import('wabt')
  const tools = await wabt()
  // Wabt reads strings as ASCII, some names beyond their end, and the whole buffer of a view.
  const bytes = new Uint8Array(new TextEncoder().encode(text))
  try {
    const module = tools.parseWat('text', bytes, features as Parameters<typeof tools.parseWat>[2])
    try {
      module.resolveNames()
      // Function names for stack traces.
      return module.toBinary({ write_debug_names: true }).buffer
    } finally {
      module.destroy()
    }
  } catch (error) {
    throw new CommandError(
      firstComplaint(path, (error as Error).message),
      'Mend the text; positions are line and column.',
      { cause: error },
    )
  }
}

/** The bytes of a module, from its binary or text format. */
export async function readProgram(path: string): Promise<Uint8Array> {
  const about = await stat(path)
  if (about.isDirectory()) {
    throw new CommandError(`${path} is a folder.`, 'Name a .wasm file, or a .wat file.')
  }
  // Reading a named pipe could wait forever.
  if (!about.isFile()) {
    throw new CommandError(`${path} is no regular file.`, 'Name a .wasm file, or a .wat file.')
  }
  const bytes = await readFile(path)
  if (bytes.subarray(0, 4).equals(Buffer.from('\0asm'))) return bytes
  const text = new TextDecoder().decode(bytes)
  // Text may begin with blanks, comments and a module, or with its fields.
  if (extname(path) === '.wat' || /^\s*(?:\(;|;;|\()/.test(text)) return assemble(path, text)
  throw new CommandError(
    `${path} is no WebAssembly module: it has ${bytes.length === 0 ? 'no bytes' : 'neither the magic number \\0asm at its beginning nor the text format in it'}.`,
    'Name a .wasm file, or a .wat file in the text format.',
  )
}
