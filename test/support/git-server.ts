import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createGunzip } from 'node:zlib'
import { listenOnLoopback } from './loopback.ts'

/** One request for git objects, as the server saw it. */
export interface GitRequest {
  /** The repository's path under the server's root. */
  readonly repository: string
  /** True for the request that is answered with objects, false for the one that lists references. */
  readonly isFetch: boolean
  /** How often this repository was asked in this way, this time included. */
  readonly count: number
}

/** What the server does instead of answering well: hang up after so many bytes, refuse with a status, or say nothing. */
export type Fault =
  | { readonly hangUpAfter: number }
  | { readonly status: number }
  | 'silence'
  | undefined

/** Git's own server on the loopback interface. */
export interface GitServer {
  readonly url: string
  readonly requests: readonly GitRequest[]
  /** How many faults came to pass. */
  readonly faults: { count: number }
  close(): Promise<void>
}

/**
 * Serves the bare repositories under `root` with `git http-backend`.
 *
 * @param faultFor decides for each request whether it goes wrong
 */
export async function serveGit(
  root: string,
  faultFor: (request: GitRequest) => Fault = () => undefined,
): Promise<GitServer> {
  const requests: GitRequest[] = []
  const faults = { count: 0 }
  const children = new Set<ChildProcess>()
  const server = createServer((message, response) => {
    const request = describe(message, requests)
    requests.push(request)
    const fault = faultFor(request)
    if (fault === 'silence') {
      faults.count++
      return
    }
    if (fault && 'status' in fault) {
      faults.count++
      response.writeHead(fault.status).end()
      return
    }
    const child = startBackend(root, message)
    children.add(child)
    child.on('close', () => children.delete(child))
    answer(child, response, fault?.hangUpAfter, faults)
  })
  const { url, close } = await listenOnLoopback(server)
  return {
    url,
    requests,
    faults,
    async close() {
      for (const child of children) child.kill('SIGKILL')
      await close()
    },
  }
}

function describe(message: IncomingMessage, earlier: readonly GitRequest[]): GitRequest {
  const { pathname } = new URL(message.url!, 'http://localhost')
  const isFetch = message.method === 'POST'
  const repository = pathname.slice(1).replace(/\/(info\/refs|git-upload-pack|HEAD)$/, '')
  const alike = earlier.filter((one) => one.repository === repository && one.isFetch === isFetch)
  return { repository, isFetch, count: alike.length + 1 }
}

/** Runs git's CGI program for one request. */
function startBackend(root: string, message: IncomingMessage): ChildProcess {
  const { pathname, search } = new URL(message.url!, 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(message.headers['git-protocol'] ?? ''),
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: message.method,
      CONTENT_TYPE: message.headers['content-type'] ?? '',
      REMOTE_ADDR: '127.0.0.1',
    },
  })
  // The request may end before the program has read all of it, and the other way round.
  child.stdin!.on('error', () => {})
  const zipped = message.headers['content-encoding'] === 'gzip'
  const body = zipped ? message.pipe(createGunzip()) : message
  body.on('error', () => child.kill('SIGKILL'))
  body.pipe(child.stdin!)
  return child
}

/** Passes on what the CGI program writes: its header lines, an empty line, the body. */
function answer(
  child: ChildProcess,
  response: ServerResponse,
  hangUpAfter: number | undefined,
  faults: { count: number },
): void {
  let head = Buffer.alloc(0)
  let passed = 0
  let headPassed = false
  const pass = (chunk: Buffer) => {
    if (chunk.length === 0) return
    passed += chunk.length
    if (hangUpAfter !== undefined && passed > hangUpAfter) {
      faults.count++
      child.kill('SIGKILL')
      response.write(chunk.subarray(0, Math.max(0, chunk.length - (passed - hangUpAfter))), () =>
        response.socket?.destroy(),
      )
      child.stdout!.removeAllListeners('data')
      return
    }
    if (response.write(chunk)) return
    child.stdout!.pause()
    response.once('drain', () => child.stdout!.resume())
  }
  child.stdout!.on('data', (chunk: Buffer) => {
    if (headPassed) return pass(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    headPassed = true
    let status = 200
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name, value] = line.split(/:\s*/, 2) as [string, string]
      if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.writeHead(status)
    pass(head.subarray(end + 4))
  })
  child.on('close', () => response.end())
  response.on('close', () => child.kill('SIGKILL'))
}
