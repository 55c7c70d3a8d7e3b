import { gzipSync } from 'node:zlib'
import { Header } from 'tar'
import type { Random } from '../../support/random.ts'

const types = ['File', 'File', 'File', 'Directory', 'SymbolicLink', 'Link'] as const
const names = ['..', '..', '.', 'a', 'b', '']

/** A file that no archive may write. Cases of the corpus name it, so it is the same for all processes. */
export const outsideFile = '/tmp/v8-rawmem-fuzz-escape'

function path(random: Random): string {
  if (random.below(20) === 0) return random.pick(['', 'package/']) + outsideFile
  const parts = Array.from({ length: 1 + random.below(4) }, () => random.pick(names))
  return [...(random.below(4) === 0 ? [] : ['package']), ...parts].join('/') || '.'
}

/** An archive that is well formed, and whose files and links lead anywhere. */
export function hostileArchive(random: Random): Uint8Array<ArrayBuffer> {
  const blocks: Buffer[] = []
  for (let entries = 1 + random.below(8); entries > 0; --entries) {
    const type = random.pick(types)
    const isFile = type === 'File'
    const header = Buffer.alloc(512)
    const linkpath = type.endsWith('Link') ? path(random) : ''
    // A file whose path ends in a slash is read as a folder, and its content as the next header.
    const own = isFile ? path(random).replace(/\/+$/, '') : path(random)
    new Header({ path: own, type, linkpath, mode: 0o755, size: isFile ? 512 : 0 }).encode(header)
    blocks.push(header)
    if (isFile) blocks.push(Buffer.alloc(512, 'x'))
  }
  const archive = Buffer.concat([...blocks, Buffer.alloc(1024)])
  return Uint8Array.from(random.below(2) === 0 ? gzipSync(archive) : archive)
}
