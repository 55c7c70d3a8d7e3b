import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

const blockBytes = 4096
const blocks = 64

/** What tells a program or data from others. */
export function sha256(...pieces: Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

async function read(file: FileHandle, at: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(blockBytes), position: at })
  return buffer.subarray(0, bytesRead)
}

/**
 * A hash of 64 blocks of 4 KiB, from the first to the last byte of a file, at even distances: it
 * takes milliseconds, whatever the size. It does not see a change between the blocks.
 */
export async function fingerprint(path: string, byteLength: number): Promise<string> {
  const file = await open(path)
  try {
    const last = Math.max(0, byteLength - blockBytes)
    const pieces: Uint8Array[] = []
    for (let i = 0; i < blocks; i++) {
      pieces.push(await read(file, Math.floor((last * i) / (blocks - 1))))
    }
    return sha256(...pieces)
  } finally {
    await file.close()
  }
}
