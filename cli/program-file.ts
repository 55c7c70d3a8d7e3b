import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { BinaryReader, SectionId, sectionsOf } from '../bindings/backends/module-layout.ts'
import { AdvisedError } from '../terminal/advised-error.ts'

async function readText(path: string, text: string): Promise<Uint8Array> {
  // Only programs in the text format need the assembler, which takes its time to load.
  const { assemble } = await import('./assemble.ts')
  try {
    return assemble(path, text, { debugNames: true })
  } catch (error) {
    throw new AdvisedError(
      (error as Error).message,
      'Mend the text; positions are line and column.',
      { cause: error },
    )
  }
}

/** The bytes of a module, from its binary or text format. */
export async function readProgram(path: string): Promise<Uint8Array> {
  const about = await stat(path)
  if (about.isDirectory()) {
    throw new AdvisedError(`${path} is a folder.`, 'Name a .wasm file, or a .wat file.')
  }
  // Reading a named pipe could wait forever.
  if (!about.isFile()) {
    throw new AdvisedError(`${path} is no regular file.`, 'Name a .wasm file, or a .wat file.')
  }
  const bytes = await readFile(path)
  if (bytes.subarray(0, 4).equals(Buffer.from('\0asm'))) return bytes
  const text = new TextDecoder().decode(bytes)
  // Text may begin with blanks, comments and a module, or with its fields.
  if (extname(path) === '.wat' || /^\s*(?:\(;|;;|\()/.test(text)) return readText(path, text)
  throw new AdvisedError(
    `${path} is no WebAssembly module: it has ${bytes.length === 0 ? 'no bytes' : 'neither the magic number \\0asm at its beginning nor the text format in it'}.`,
    'Name a .wasm file, or a .wat file in the text format.',
  )
}

/** Whether a module imports that function, in an encoding that has both names for each import. */
export function importsFunction(bytes: Uint8Array, module: string, name: string): boolean {
  const names = [module, name].map((text) => String.fromCharCode(text.length) + text).join('')
  try {
    for (const { id, begin, end } of sectionsOf(bytes)) {
      if (id === SectionId.Import) return Buffer.from(bytes.subarray(begin, end)).includes(names)
    }
  } catch {
    // The engine says better what is wrong with it.
  }
  return false
}

/** Whether a module, valid or not, exports something of that name. */
export function exportsName(bytes: Uint8Array, wanted: string): boolean {
  try {
    for (const { id, begin, end } of sectionsOf(bytes)) {
      if (id !== SectionId.Export) continue
      const reader = new BinaryReader(bytes, begin, end)
      for (let count = reader.u32(); count > 0; count--) {
        if (reader.name() === wanted) return true
        reader.byte()
        reader.u32()
      }
    }
  } catch {
    // The engine says better what is wrong with it.
  }
  return false
}
