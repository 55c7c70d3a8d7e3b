import { readFileSync } from 'node:fs'

export interface Mapping {
  begin: bigint
  end: bigint
  line: string
}

/** This process's mappings, as the kernel lists them. */
export function mappings(): Mapping[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [begin, end] = line.split(' ', 1)[0]!.split('-')
      return { begin: BigInt(`0x${begin}`), end: BigInt(`0x${end}`), line }
    })
}

/** Where the file is mapped. */
export function mappingOf(path: string): Mapping | undefined {
  return mappings().find(({ line }) => line.endsWith(path))
}

/** Bytes of address space that this process has, from `VmSize`. */
export function addressSpace(): number {
  const match = /^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(match![1]) * 1024
}

/** Bytes of RAM that this process holds. */
export function residentBytes(): number {
  return process.memoryUsage.rss()
}
