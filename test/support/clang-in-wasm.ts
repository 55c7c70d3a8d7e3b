// clang, compiled to WebAssembly. It takes seconds to load.

import { readFileSync } from 'node:fs'
import { commands, runLLVM } from '@yowasp/clang'

const kit = readFileSync(new URL('../../guests/rawmem.h', import.meta.url))
const quietly = { fetchProgress: () => {} }
const loaded = runLLVM(undefined, {}, quietly)

/** Compiles a program in C for WASI. The error of one that does not compile says what clang says. */
export async function runClang(text: string, flags: readonly string[]): Promise<Uint8Array> {
  await loaded
  const words = ['--target=wasm32-wasip1', '-O2', '-Wall', '-Werror', ...flags]
  const said: Uint8Array[] = []
  try {
    const made = await commands.clang(
      [...words, '-I', 'guests', 'program.c', '-o', 'program.wasm'],
      { 'program.c': text, guests: { 'rawmem.h': kit } },
      // The memory of what it says is used again.
      { ...quietly, stderr: (bytes) => void (bytes && said.push(bytes.slice())) },
    )
    return (made as Record<string, Uint8Array>)['program.wasm']!
  } catch (error) {
    throw new Error(`${Buffer.concat(said)}clang: ${(error as Error).message}`)
  }
}
