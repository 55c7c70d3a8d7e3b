import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Loopback, listenOnLoopback } from '../support/loopback.ts'

/** Serves the files of a folder on the loopback interface, slowly enough that a download can be struck. */
export async function serveArchives(folder: string, bytesPerSecond: number): Promise<Loopback> {
  const server = createServer((request, response) => {
    const path = join(folder, basename(request.url ?? ''))
    const { size } = statSync(path)
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': size - start,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {}),
    })
    const chunks = createReadStream(path, { start, highWaterMark: 1 << 15 })
    // Whoever is killed hangs up.
    pipeline(slowed(chunks, bytesPerSecond), response).catch(() => {})
  })
  return await listenOnLoopback(server)
}

async function* slowed(chunks: AsyncIterable<Buffer>, bytesPerSecond: number) {
  for await (const chunk of chunks) {
    yield chunk
    await sleep((1000 * chunk.length) / bytesPerSecond)
  }
}
