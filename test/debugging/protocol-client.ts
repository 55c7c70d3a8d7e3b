import { once } from 'node:events'
import { WebSocket } from 'ws'

export interface Event {
  readonly method: string
  // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
  readonly params: any
}

// biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
type Result = any

/** A client of the DevTools protocol. */
export class ProtocolClient {
  readonly socket: WebSocket
  readonly #answers = new Map<
    number,
    { resolve(result: Result): void; reject(error: Error): void }
  >()
  readonly #events: Event[] = []
  #look: () => void = () => {}

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      const { id, result, error, method, params } = JSON.parse(String(data))
      if (id === undefined) {
        this.#events.push({ method, params })
        this.#look()
      } else if (error !== undefined) {
        this.#answers.get(id)!.reject(new Error(error.message))
      } else {
        this.#answers.get(id)!.resolve(result)
      }
    })
  }

  static async connect(url: string): Promise<ProtocolClient> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    return new ProtocolClient(socket)
  }

  /** Rejects if the target says that it was an error. */
  send(method: string, params: object = {}): Promise<Result> {
    const id = this.#answers.size + 1
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      this.socket.send(JSON.stringify({ id, method, params }))
    })
  }

  /** The parameters of the next event of that name, which may have come already. */
  event(method: string): Promise<Result> {
    return new Promise((resolve) => {
      this.#look = () => {
        const at = this.#events.findIndex((event) => event.method === method)
        if (at < 0) return
        this.#look = () => {}
        resolve(this.#events.splice(at, 1)[0]!.params)
      }
      this.#look()
    })
  }

  /** The value of an expression in the frame at the top, as JSON. */
  async evaluate(paused: Result, expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Debugger.evaluateOnCallFrame', {
      callFrameId: paused.callFrames[0].callFrameId,
      expression,
      includeCommandLineAPI: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception.description)
    return result.value
  }

  async close(): Promise<void> {
    // The target may have ended.
    if (this.socket.readyState === WebSocket.CLOSED) return
    this.socket.close()
    await once(this.socket, 'close')
  }
}
