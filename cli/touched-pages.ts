// How far a program is that says nothing for long, as it has one large window: by the pages that it
// has touched. The system puts a page of a mapped file into the page table of the process when
// the program reads or writes it for the first time, together with a few neighbours (64 KiB).

import { closeSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs'

/** Bytes of a mapped file that a program sees. */
export interface SeenRange {
  readonly path: string
  readonly begin: number
  readonly end: number
}

/** A mapping of the process, from /proc/self/maps. */
interface Mapping {
  readonly begin: number
  readonly end: number
  /** Byte of the file that `begin` shows. */
  readonly offset: number
}

/** Pages of a range to look at; each stands for as many bytes. */
interface Sample {
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

const mostSamples = 512

/** Bits of an entry of /proc/self/pagemap. */
const entryBytes = 8
const presentOrSwapped = 0b1100_0000

/** The key of the size of a page in the list that the kernel gives to a process. */
const AT_PAGESZ = 6n

function pageSize(): number {
  const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer)
  for (let i = 0; i < words.length; i += 2) if (words[i] === AT_PAGESZ) return Number(words[i + 1])
  throw new Error('/proc/self/auxv has no page size')
}

/** One page in each of many equal stretches, at another place in each: no stride hits them all. */
function samplesOf({ path, begin, end }: SeenRange, page: number): Sample[] {
  const count = Math.min(mostSamples, Math.ceil((end - begin) / page))
  const bytes = (end - begin) / count
  return Array.from({ length: count }, (_, i) => ({
    path,
    offset: Math.floor((begin + (i + ((i * 0.618034) % 1)) * bytes) / page) * page,
    bytes,
  }))
}

/** As /proc/self/maps writes a path: with `\012` for a line feed, and nothing else escaped. */
function mappingsOf(paths: ReadonlySet<string>): Map<string, Mapping[]> {
  const found = new Map<string, Mapping[]>()
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const at = line.indexOf('/')
    const path = at < 0 ? '' : line.slice(at).replaceAll('\\012', '\n')
    if (!paths.has(path)) continue
    const [, begin, end, offset] = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+)/.exec(line) ?? []
    const [from, to, first] = [begin, end, offset].map((text) => Number.parseInt(text!, 16))
    const mapping = { begin: from!, end: to!, offset: first! }
    found.set(path, [...(found.get(path) ?? []), mapping])
  }
  return found
}

export class TouchedPages {
  readonly #page: number
  readonly #pagemap: number
  readonly #entry = Buffer.alloc(entryBytes)
  readonly #paths: ReadonlySet<string>
  #untouched: Sample[]
  #bytes = 0

  /** @returns undefined where the system does not say. */
  static of(ranges: readonly SeenRange[]): TouchedPages | undefined {
    try {
      return new TouchedPages(ranges)
    } catch {
      return undefined
    }
  }

  private constructor(ranges: readonly SeenRange[]) {
    this.#page = pageSize()
    const real = ranges.map((range) => ({ ...range, path: realpathSync(range.path) }))
    this.#paths = new Set(real.map(({ path }) => path))
    this.#untouched = real
      .filter(({ begin, end }) => end > begin)
      .flatMap((range) => samplesOf(range, this.#page))
    this.#pagemap = openSync('/proc/self/pagemap', 'r')
  }

  /**
   * How many bytes of the ranges have been touched, as far as some hundred pages tell. It takes about a
   * millisecond, and does not see what has come and gone between two calls. Undefined if the files are
   * not mapped.
   */
  bytes(): number | undefined {
    const mappings = mappingsOf(this.#paths)
    if (mappings.size === 0) return undefined
    this.#untouched = this.#untouched.filter((sample) => {
      if (!this.#isThere(sample, mappings.get(sample.path) ?? [])) return true
      this.#bytes += sample.bytes
      return false
    })
    return Math.floor(this.#bytes)
  }

  close(): void {
    closeSync(this.#pagemap)
  }

  #isThere({ offset }: Sample, mappings: readonly Mapping[]): boolean {
    return mappings.some((mapping) => {
      const address = mapping.begin + (offset - mapping.offset)
      if (address < mapping.begin || address >= mapping.end) return false
      const at = (address / this.#page) * entryBytes
      const read = readSync(this.#pagemap, this.#entry, 0, entryBytes, at)
      return read === entryBytes && (this.#entry[entryBytes - 1]! & presentOrSwapped) !== 0
    })
  }
}
