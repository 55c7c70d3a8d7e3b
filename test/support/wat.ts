import { assemble } from '../../cli/assemble.ts'

/** The binary of a module in text format, with the features that V8 ships. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  return assemble('test.wat', text)
}
