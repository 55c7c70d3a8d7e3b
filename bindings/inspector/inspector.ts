import type { Inspector } from '../../types/inspector.d.ts'
import { checkInteger, show } from '../arguments.ts'
import { engine } from '../backends/patched/engine.ts'
import { dispose } from '../dispose.ts'
import { serverAddress, startServer, stopServer } from './server.ts'

export const defaultPort = 9229
export const defaultHost = '127.0.0.1'

function open(port = defaultPort, host = defaultHost, wait = false): Disposable {
  checkInteger('port', port, 0, 65_535)
  if (typeof host !== 'string') throw new TypeError(`host must be a string; got ${show(host)}`)
  if (typeof wait !== 'boolean') throw new TypeError(`wait must be a boolean; got ${show(wait)}`)
  // Makes this thread a target.
  engine.inspector.target()
  startServer(port, host)
  if (wait) waitForDebugger()
  return { [dispose]: stopServer } as Disposable
}

function url(): string | undefined {
  const address = serverAddress()
  return address === '' ? undefined : `ws://${address}/${engine.inspector.target()}`
}

function waitForDebugger(): void {
  if (serverAddress() === '') {
    throw new Error('the inspector is not open; call inspector.open() first')
  }
  engine.inspector.waitForDebugger(false)
}

/** See types/inspector.d.ts. */
export const inspector: Inspector = Object.freeze({ open, close: stopServer, url, waitForDebugger })
