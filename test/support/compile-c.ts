import type { ClangRequest } from './clang-server.ts'

/**
 * Compiles a program in C for WASI, by clang in WebAssembly: under AVA that of all test files,
 * elsewhere one of this process.
 *
 * @param flags More of them, behind `--target=wasm32-wasip1 -O2`.
 */
export async function compileC(text: string, flags: readonly string[] = []): Promise<Uint8Array> {
  const server = process.env.V8_RAWMEM_TEST_CLANG
  if (server === undefined) {
    const { runClang } = await import('./clang-in-wasm.ts')
    return runClang(text, flags)
  }
  const body = JSON.stringify({ text, flags } satisfies ClangRequest)
  const response = await fetch(server, { method: 'POST', body })
  if (!response.ok) throw new Error(await response.text())
  return new Uint8Array(await response.arrayBuffer())
}
