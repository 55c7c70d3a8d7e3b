import type { Instance } from '../../types/web-assembly.d.ts'

/** A string of AssemblyScript: UTF-16, the bytes counted in front of it. */
function readString({ exports }: Instance, address: number): string {
  const { buffer } = exports.memory
  const length = new DataView(buffer).getUint32(address - 4, true)
  return Buffer.from(buffer, address, length).toString('utf16le')
}

/**
 * What programs of AssemblyScript import as `env.abort`, unless they are compiled with `--use
 * abort=`.
 */
export function abortFunction(instance: () => Instance) {
  return (message: number, file: number, line: number, column: number): never => {
    const [what, where] = [message, file].map((address) =>
      address === 0 ? '' : readString(instance(), address >>> 0),
    )
    throw new Error(`abort: ${what || 'the program gave up'} (${where}:${line}:${column})`)
  }
}
