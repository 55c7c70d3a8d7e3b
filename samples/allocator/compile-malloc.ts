import { readFile } from 'node:fs/promises'

/** Where the heap begins. The bytes below are the host's. */
export const heapBase = 1024

/** What malloc.as exports. Addresses are those of the imported `env.memory`. */
export interface MallocExports {
  format(): void
  resume(): void
  malloc(size: number): number
  free(address: number): void
}

const source = new URL('./malloc.as', import.meta.url)

/** Compiles malloc.as. */
export async function compileMalloc(): Promise<Uint8Array> {
  // Only when it is needed: loading the compiler takes longer than compiling.
  const { default: asc } = await import('assemblyscript/asc')
  const text = await readFile(source, 'utf8')
  const tlsf = asc.libraryFiles['rt/tlsf']
  const stderr = asc.createMemoryStream()
  let binary: Uint8Array | undefined
  try {
    // The library keeps to itself what tells whether there is room.
    asc.libraryFiles['rt/tlsf'] = `${tlsf}
export { computeSize, initialize, Root, searchBlock }
`
    const { error } = await asc.main(
      [
        ...['malloc.ts', '--outFile', 'malloc.wasm', '--optimize', '--noAssert', '--use', 'abort='],
        ...['--runtime', 'minimal', '--importMemory', '--noExportMemory'],
        ...['--memoryBase', String(heapBase)],
      ],
      {
        stderr,
        readFile: (name) => (name === 'malloc.ts' ? text : null),
        writeFile: (_name, contents) => {
          binary = contents as Uint8Array
        },
        listFiles: () => [],
      },
    )
    if (error !== null) throw new Error(`${source.pathname}: ${error.message}\n${stderr}`)
  } finally {
    asc.libraryFiles['rt/tlsf'] = tlsf!
  }
  return binary!
}
