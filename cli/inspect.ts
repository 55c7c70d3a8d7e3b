import { InvalidArgumentError } from 'commander'
import { AdvisedError } from '../terminal/advised-error.ts'

/** Where the inspector listens. */
export interface InspectAddress {
  readonly host?: string
  readonly port?: number
}

/** `[host:]port`, or a host alone; an IPv6 address in brackets. */
export function inspectAddress(text: string): InspectAddress {
  const parts = /^(?:(\[[0-9a-f:.]+\]|[^:[\]\s/]+):)?(\d{1,5})$/i.exec(text)
  if (parts === null || Number(parts[2]) > 65_535) {
    throw new InvalidArgumentError(
      'Write it alone, behind the program, or as --inspect=[host:]port.',
    )
  }
  const host = parts[1]?.replace(/^\[|\]$/g, '')
  return { port: Number(parts[2]), ...(host !== undefined && { host }) }
}

export interface InspectOptions {
  /** `true` without an address. */
  readonly inspect?: InspectAddress | true
  readonly inspectBrk?: InspectAddress | true
}

/** Opens the inspector if the options say so; gives what closes it. */
export async function openInspector(options: InspectOptions): Promise<() => void> {
  const given = options.inspectBrk ?? options.inspect
  if (given === undefined) return () => {}
  const { openBackend } = await import('../bindings/index.ts')
  const { name } = openBackend()
  if (name !== 'patched') {
    throw new AdvisedError(
      `--inspect is for the backend 'patched', and this is '${name}'.`,
      'What runs in Node itself is debugged by node --inspect.',
    )
  }
  const { startServer, stopServer } = await import('../bindings/inspector/server.ts')
  const { defaultHost, defaultPort } = await import('../bindings/inspector/inspector.ts')
  const { port = defaultPort, host = defaultHost } = given === true ? {} : given
  try {
    startServer(port, host)
  } catch (error) {
    throw new AdvisedError((error as Error).message, 'Give another port: --inspect=9230, or 0.', {
      cause: error,
    })
  }
  return stopServer
}
