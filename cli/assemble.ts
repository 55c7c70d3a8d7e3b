import wabt from 'wabt'

const tools = await wabt()

// Features of the text format that V8 can run. Wabt's types lack some of them.
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
} as Parameters<typeof tools.parseWat>[2]

/**
 * The binary of a module in WebAssembly's text format.
 *
 * @param name For error messages, such as the file's path.
 * @param debugNames Keep the names of functions, for the stacks of errors.
 * @throws {SyntaxError} with `name`, line and column of the first mistake in the text.
 */
export function assemble(
  name: string,
  text: string,
  { debugNames = false } = {},
): Uint8Array<ArrayBuffer> {
  // Wabt takes strings for ASCII, reads past names of some lengths, and reads the whole buffer of
  // a view.
  const bytes = new Uint8Array(new TextEncoder().encode(text))
  try {
    const module = tools.parseWat('text', bytes, features)
    try {
      module.resolveNames()
      return new Uint8Array(module.toBinary({ write_debug_names: debugNames }).buffer)
    } finally {
      module.destroy()
    }
  } catch (error) {
    throw new SyntaxError(firstComplaint(name, (error as Error).message), { cause: error })
  }
}

/** Wabt's `text:line:column: error: what`, without the excerpt below it. */
function firstComplaint(name: string, message: string): string {
  const found = /^text(:\d+:\d+: )error: (.*)$/m.exec(message)
  return found ? `${name}${found[1]}${found[2]}` : `${name}: ${message.trim()}`
}
