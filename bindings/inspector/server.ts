// The thread that serves clients of the inspector. It has the sockets, so that they work while
// other threads run WebAssembly or are paused.

import { MessageChannel, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { engineBinding } from '../addon/load.ts'
import { startThread } from '../workers/start-thread.ts'

/** What the thread is given. */
export interface ServerData {
  readonly port: number
  readonly host: string
  /** Set to one of {@link ServerState}, and notified. */
  readonly state: Int32Array
  /** Where it posts a {@link ServerAnswer} before it sets its state for the first time. */
  readonly answers: MessagePort
}

export type ServerAnswer = { readonly address: string } | { readonly error: string }

export const ServerState = { Starting: 0, Started: 1, Closed: 2 } as const

/** Milliseconds until a thread that does not answer is given up. */
const patience = 20_000

type MessagePort = import('node:worker_threads').MessagePort

/** Of this thread. */
let server: { readonly worker: Worker; readonly state: Int32Array } | undefined

/** Where the server of the process listens, as `host:port`; empty if there is none. */
export function serverAddress(): string {
  return engineBinding?.inspectorServer.address() ?? ''
}

/**
 * Starts the server of the process, and returns when it listens.
 *
 * @throws {Error} if there is one, or if it cannot listen there.
 */
export function startServer(port: number, host: string): void {
  if (serverAddress() !== '') {
    throw new Error(
      `the inspector listens on ${serverAddress()} already; close it with inspector.close() first`,
    )
  }
  const state = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const data: ServerData = { port, host, state, answers: port2 }
  const worker = startThread('../inspector/server-main', {
    workerData: data,
    transferList: [port2],
    name: 'v8-rawmem inspector',
  })
  worker.unref()
  Atomics.wait(state, 0, ServerState.Starting, patience)
  const answer = receiveMessageOnPort(port1)?.message as ServerAnswer | undefined
  port1.close()
  if (answer === undefined || 'error' in answer) {
    void worker.terminate()
    throw new Error(`the inspector cannot listen: ${answer?.error ?? 'its thread did not start'}`)
  }
  server = { worker, state }
}

/** Disconnects all clients; returns when that is done. Nothing happens without a server. */
export function stopServer(): void {
  if (serverAddress() === '') return
  if (server === undefined) {
    throw new Error('inspector.close() must be called on the thread that opened the inspector')
  }
  const { worker, state } = server
  server = undefined
  worker.postMessage('close')
  Atomics.wait(state, 0, ServerState.Started, patience)
}
