import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { ReleasedPackage } from './release-record.ts'

const advice =
  'V8_RAWMEM_MIRROR has to name a folder with the files of the release, or the URL of one (http:, https: or file:).'

/** Gives up on a silent server after this time; npm's fetch-timeout replaces it. */
const defaultSilence = 60_000

/** Reads a tarball of a release from the mirror. */
export async function readFromMirror(
  mirror: string,
  { filename, size }: Omit<ReleasedPackage, 'integrity'>,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (/^https?:/i.test(mirror)) {
    return await download(urlIn(mirror, filename), size, signal)
  }
  const path = join(folderOf(mirror), filename)
  try {
    return await readFile(path, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw new AdvisedError(`The mirror has no ${filename}: ${(error as Error).message}`, advice, {
      cause: error,
    })
  }
}

/** URL of a file in the mirror. Keeps the query, which may contain an access key. */
function urlIn(mirror: string, filename: string): URL {
  // Not shown, because it may contain a password.
  if (!URL.canParse(mirror)) throw new AdvisedError('The URL of the mirror is not valid', advice)
  const url = new URL(mirror)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${filename}`
  return url
}

function folderOf(mirror: string): string {
  if (/^file:/i.test(mirror)) {
    try {
      return fileURLToPath(mirror)
    } catch (cause) {
      throw new AdvisedError(`${mirror} is no URL of a folder here`, advice, { cause })
    }
  }
  const [protocol] = /^[a-z][a-z\d+.-]+:/i.exec(mirror) ?? []
  if (protocol !== undefined) {
    throw new AdvisedError(`A mirror cannot be read by this protocol: ${protocol}`, advice)
  }
  return resolve(mirror)
}

async function download(url: URL, size: number, signal?: AbortSignal): Promise<Uint8Array> {
  signal?.throwIfAborted()
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (url.username !== '') {
    headers.authorization = `Basic ${Buffer.from(loginOf(url)).toString('base64')}`
    // fetch refuses URLs with a login.
    url.username = ''
    url.password = ''
  }
  // Error messages contain neither login nor key.
  const shown = `${url.origin}${url.pathname}`
  const silence = patience()
  // Node 20.0 has no AbortSignal.any.
  const controller = new AbortController()
  const stop = () => controller.abort()
  signal?.addEventListener('abort', stop)
  let isSilent = false
  const timer = setTimeout(() => {
    isSilent = true
    stop()
  }, silence)
  try {
    const response = await fetch(url, { headers, signal: controller.signal })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw new AdvisedError(
        `The mirror answers ${response.status} ${response.statusText} for ${shown}`,
        advice,
      )
    }
    const encoding = response.headers.get('content-encoding') || 'identity'
    if (encoding !== 'identity') {
      await response.body.cancel()
      throw new AdvisedError(
        `The mirror sends ${shown} with "Content-Encoding: ${encoding}", so that what arrives is not the file`,
        'Have the server send .tgz files as they are, without a Content-Encoding.',
      )
    }
    const chunks: Uint8Array[] = []
    let received = 0
    for await (const chunk of response.body) {
      chunks.push(chunk)
      received += chunk.length
      // An endless response would fill the memory.
      if (received > size) {
        throw new AdvisedError(
          `EINTEGRITY: ${shown} is longer than the ${size} bytes that were released`,
          'It was damaged on the way or exchanged. Put the file of the release there and install again.',
        )
      }
      timer.refresh()
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof AdvisedError) throw error
    signal?.throwIfAborted()
    throw new AdvisedError(
      isSilent
        ? `The mirror has been silent for ${silence / 1000} s: ${shown}`
        : `The mirror cannot be read: ${shown}: ${describeNetworkError(error)}`,
      'Look at the mirror and the way there, and install again.',
      { cause: error },
    )
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** Milliseconds that a server may be silent, limited to what a timer can run. */
function patience(): number {
  const given = Number(process.env.npm_config_fetch_timeout)
  return given >= 1 ? Math.min(given, 2 ** 31 - 1) : defaultSilence
}

function loginOf({ username, password }: URL): string {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch (cause) {
    throw new AdvisedError(
      'The login in the URL of the mirror has a % with no two hexadecimal digits after it',
      'Write a % in it as %25.',
      { cause },
    )
  }
}

/** The message of fetch says little; the reason is in `cause`. */
function describeNetworkError(error: unknown): string {
  const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}
