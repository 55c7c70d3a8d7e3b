// What the thread of the inspector's server runs: HTTP for the list of targets, a WebSocket for
// each client.

import { writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { type WebSocket, WebSocketServer } from 'ws'
import { engineBinding } from '../addon/load.ts'
import { InspectorEvent, InspectorRequest } from '../addon/numbers.ts'
import { version } from '../addon/platform.ts'
import { type ServerAnswer, type ServerData, ServerState } from './server.ts'

const { port, host, state, answers } = workerData as ServerData
const { inspectorServer } = engineBinding!

interface Client {
  readonly target: string
  readonly socket: WebSocket
}

/** By id. */
const titles = new Map<string, string>()
/** By the number of their session. */
const clients = new Map<number, Client>()
let sessions = 0
let address = ''

/**
 * A page in a browser can have its own name resolve to 127.0.0.1, and would get at the list. Its
 * requests still have that name.
 */
function isAllowed({ headers }: IncomingMessage): boolean {
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(headers.host ?? '')
  const wanted = (name?.[1] ?? name?.[2] ?? '').toLowerCase()
  return isIP(wanted) !== 0 || wanted === 'localhost' || wanted === host.toLowerCase()
}

function listOf({ headers }: IncomingMessage): object[] {
  // As the client sees it, which may be through a tunnel.
  const seen = headers.host ?? address
  return [...titles].map(([id, title]) => ({
    description: 'v8-rawmem',
    devtoolsFrontendUrl: `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${seen}/${id}`,
    id,
    title: `v8-rawmem ${title} [${process.pid}]`,
    type: 'node',
    url: 'file://',
    webSocketDebuggerUrl: `ws://${seen}/${id}`,
  }))
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url?.replace(/\?.*/, '')
  const found = !isAllowed(request)
    ? undefined
    : path === '/json' || path === '/json/list'
      ? listOf(request)
      : path === '/json/version'
        ? { Browser: `v8-rawmem/${version}`, 'Protocol-Version': '1.3' }
        : undefined
  if (found === undefined) {
    response.writeHead(isAllowed(request) ? 404 : 403).end()
    return
  }
  response
    .writeHead(200, {
      'Content-Type': 'application/json; charset=UTF-8',
      'Cache-Control': 'no-cache',
    })
    .end(JSON.stringify(found, null, 2))
}

function connect(socket: WebSocket, target: string): void {
  const session = ++sessions
  const post = (request: (typeof InspectorRequest)[keyof typeof InspectorRequest], text = '') =>
    inspectorServer.post(target, request, session, text)
  clients.set(session, { target, socket })
  socket.on('message', (data) => post(InspectorRequest.Dispatch, String(data)))
  socket.on('close', () => {
    clients.delete(session)
    post(InspectorRequest.Disconnect)
  })
  // The connection closes after an error.
  socket.on('error', () => {})
  post(InspectorRequest.Connect)
}

function addTarget(id: string, title: string): void {
  titles.set(id, title)
  if (address !== '') tell(id, title)
}

function tell(id: string, title: string): void {
  writeSync(2, `Debugger listening on ws://${address}/${id} (${title})\n`)
}

function removeTarget(id: string): void {
  titles.delete(id)
  for (const { target, socket } of clients.values()) if (target === id) socket.close()
}

function takeEvents(): void {
  const parts = inspectorServer.take()
  for (let i = 0; i < parts.length; i += 4) {
    const [what, target, session, text] = parts.slice(i, i + 4) as [number, string, number, string]
    if (what === InspectorEvent.TargetAdded) addTarget(target, text)
    else if (what === InspectorEvent.TargetRemoved) removeTarget(target)
    else clients.get(session)?.socket.send(text)
  }
}

const webSockets = new WebSocketServer({ noServer: true, maxPayload: 2 ** 28 })
const server = createServer(answer)
server.on('upgrade', (request, socket, head) => {
  const id = request.url?.slice(1) ?? ''
  if (!isAllowed(request) || !titles.has(id)) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    return
  }
  webSockets.handleUpgrade(request, socket, head, (webSocket) => connect(webSocket, id))
})

function reply(message: ServerAnswer): void {
  answers.postMessage(message)
  Atomics.store(state, 0, ServerState.Started)
  Atomics.notify(state, 0)
}

server.on('error', (error) => {
  reply({ error: error.message })
  process.exit()
})
server.listen(port, host, () => {
  const { address: ip, port: listening, family } = server.address() as AddressInfo
  address = `${family === 'IPv6' ? `[${ip}]` : ip}:${listening}`
  if (!inspectorServer.serve(takeEvents)) {
    reply({ error: 'another thread has just opened it' })
    process.exit()
  }
  inspectorServer.announce(address)
  reply({ address })
})

parentPort!.once('message', () => {
  inspectorServer.stop()
  for (const { socket } of clients.values()) socket.terminate()
  server.close(() => {
    Atomics.store(state, 0, ServerState.Closed)
    Atomics.notify(state, 0)
    process.exit()
  })
  server.closeAllConnections()
})
