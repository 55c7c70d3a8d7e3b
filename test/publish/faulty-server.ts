import { readFile } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { join } from 'node:path'
import { listenOnLoopback } from '../support/loopback.ts'

/** What happens to an answer on its way. */
export type Fault =
  | { readonly status: number }
  /** The answer has another byte in its middle. */
  | 'flipped'
  /** The connection ends in its middle. */
  | 'cut'
  /** It is shorter, and says so itself. */
  | 'truncated'
  /** The server takes the request and says nothing more. */
  | 'silent'

/** The fault for a request; undefined: none. */
export type Faults = (asked: Asked) => Fault | undefined

interface Asked {
  readonly path: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

export interface FaultyServer {
  readonly url: string
  /** The paths asked for, in order. */
  readonly requests: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

type Answer = (
  incoming: IncomingMessage,
) => Promise<{ status: number; headers: Record<string, string>; body: Buffer }>

/** A registry, with faults in between. */
export async function serveRegistry(registry: string, faults: Faults): Promise<FaultyServer> {
  return await serve(faults, async (incoming) => await forward(registry, incoming))
}

/** The files of a folder, with faults in between. */
export async function serveFolder(
  folder: string,
  faults: Faults = () => undefined,
): Promise<FaultyServer> {
  return await serve(faults, async ({ url }) => {
    try {
      const name = decodeURIComponent(new URL(url!, 'http://localhost').pathname.slice(1))
      return { status: 200, headers: {}, body: await readFile(join(folder, name)) }
    } catch {
      return { status: 404, headers: {}, body: Buffer.from('not here') }
    }
  })
}

async function serve(faults: Faults, answer: Answer): Promise<FaultyServer> {
  const requests: string[] = []
  const server = createServer((incoming, outgoing) => {
    const path = decodeURIComponent(incoming.url!)
    requests.push(path)
    handle(
      incoming,
      outgoing,
      faults({ path, method: incoming.method!, headers: incoming.headers }),
      answer,
    ).catch(() => outgoing.destroy())
  })
  const { url, close } = await listenOnLoopback(server)
  return { url, requests, [Symbol.asyncDispose]: close }
}

async function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
  answer: Answer,
): Promise<void> {
  if (fault === 'silent') return
  if (typeof fault === 'object') {
    outgoing.writeHead(fault.status).end()
    return
  }
  const { status, headers, body } = await answer(incoming)
  const middle = Math.floor(body.length / 2)
  if (fault === 'flipped') body[middle] = body[middle]! ^ 1
  const sent = fault === 'truncated' ? body.subarray(0, middle) : body
  outgoing.writeHead(status, { ...headers, 'content-length': String(sent.length) })
  if (fault !== 'cut') outgoing.end(sent)
  else outgoing.write(sent.subarray(0, middle), () => outgoing.destroy())
}

/** The host stays what the client takes it for: verdaccio makes the addresses of tarballs from it. */
async function forward(registry: string, incoming: IncomingMessage): ReturnType<Answer> {
  const headers = { ...incoming.headers }
  // What comes back is to be damaged, and must not be a "not modified".
  delete headers['accept-encoding']
  delete headers['if-none-match']
  return await new Promise((done, fail) => {
    const outgoing = request(
      new URL(incoming.url!, registry),
      { method: incoming.method!, headers },
      async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const type = response.headers['content-type'] ?? 'application/octet-stream'
        done({
          status: response.statusCode!,
          headers: { 'content-type': type },
          body: Buffer.concat(chunks),
        })
      },
    )
    outgoing.once('error', fail)
    incoming.pipe(outgoing)
  })
}
