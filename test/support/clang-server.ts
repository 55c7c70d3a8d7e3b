// A thread of AVA's own process that compiles for all test files, so that clang is loaded once. See
// ava.config.js.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { parentPort } from 'node:worker_threads'

export interface ClangRequest {
  readonly text: string
  readonly flags: readonly string[]
}

/** What became of each request. */
const compiled = new Map<string, Promise<Uint8Array>>()

async function compile(request: string): Promise<Uint8Array> {
  const { runClang } = await import('./clang-in-wasm.ts')
  const { text, flags } = JSON.parse(request) as ClangRequest
  return runClang(text, flags)
}

const server = createServer(async (request, response) => {
  // A test that is busy for long would not see that a connection which is kept has been closed.
  response.setHeader('connection', 'close')
  const key = await text(request)
  const module = compiled.get(key) ?? compile(key)
  compiled.set(key, module)
  try {
    response.end(await module)
  } catch (error) {
    response.writeHead(422).end((error as Error).message)
  }
})
server.listen(0, '127.0.0.1', () => {
  parentPort!.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
