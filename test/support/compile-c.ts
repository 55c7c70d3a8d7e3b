import { readFileSync } from 'node:fs'
import { commands } from '@yowasp/clang'

const kit = readFileSync(new URL('../../guests/rawmem.h', import.meta.url))

/**
 * Compiles a program in C for WASI, by clang in WebAssembly. The first one takes some ten seconds.
 *
 * @param flags More of them, behind `--target=wasm32-wasip1 -O2`.
 */
export async function compileC(text: string, flags: readonly string[] = []): Promise<Uint8Array> {
  const words = ['--target=wasm32-wasip1', '-O2', '-Wall', '-Werror', ...flags]
  const made = await commands.clang(
    [...words, '-I', 'guests', 'program.c', '-o', 'program.wasm'],
    { 'program.c': text, guests: { 'rawmem.h': kit } },
    { fetchProgress: () => {} },
  )
  return (made as Record<string, Uint8Array>)['program.wasm']!
}
