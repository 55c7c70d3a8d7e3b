// `run --symbols`: where in the sources a program trapped.

import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { linkedSymbols } from '../bindings/source-lines/linked-symbols.ts'
import { ModuleCode } from '../bindings/source-lines/module-code.ts'
import { howToCompile, symbolicate } from '../bindings/source-lines/symbolicate.ts'
import type { SourceFrame } from '../types/source-frame.d.ts'
import { LocatedTrap, programFrames } from './located-trap.ts'

/** The symbols that a compiler has put beside the program. */
async function readLinked(program: string, bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const linked = linkedSymbols(new ModuleCode(bytes))
  if (linked === undefined) return undefined
  // A URL is for browsers. The file that it means lies beside the program.
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(linked)
  const path = resolve(dirname(program), isUrl ? basename(new URL(linked).pathname) : linked)
  try {
    return await readFile(path)
  } catch (error) {
    throw new Error(
      `The lines of the program are in ${path}, which cannot be read: ${(error as Error).message}. Put the file there that the compiler has written.`,
      { cause: error },
    )
  }
}

function place({ file, line, column, functionIndex, offset }: SourceFrame): string {
  if (file === undefined) return `wasm-function[${functionIndex}]:0x${offset.toString(16)}`
  return [file, line, column].filter((part) => part !== undefined).join(':')
}

function text(frame: SourceFrame): string {
  const { function: name, inlined } = frame
  const where = name === undefined ? place(frame) : `${name} (${place(frame)})`
  return `    at ${where}${inlined ? ' inlined' : ''}`
}

/**
 * The error with files and lines, if it comes from within the program. Where there are none, it
 * keeps its own frames and says why.
 */
export async function locate(error: unknown, path: string, bytes: Uint8Array): Promise<unknown> {
  if (!(error instanceof Error)) return error
  const own = programFrames(error.stack)
  if (own.length === 0) return error
  try {
    const frames = await symbolicate(error, bytes, await readLinked(path, bytes))
    if (frames.some(({ file }) => file !== undefined)) {
      return new LocatedTrap(error, frames.map(text))
    }
    const why = `The program's symbols have no line for these functions. ${howToCompile}`
    return new LocatedTrap(error, [...own, why])
  } catch (why) {
    return new LocatedTrap(error, [...own, (why as Error).message])
  }
}
