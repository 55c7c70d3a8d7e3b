import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server under way. */
export interface Loopback {
  /** Ends with a slash. */
  readonly url: string
  /** Hangs up on all that are connected. */
  close(): Promise<void>
}

/** Lets a server listen on the loopback interface, on a port that is free. */
export async function listenOnLoopback(server: Server): Promise<Loopback> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
