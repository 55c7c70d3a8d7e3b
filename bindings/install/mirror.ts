import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../command/command-error.ts'

const advice =
  'V8_RAWMEM_MIRROR has to name a folder with the files of the release, or the URL of one (http:, https: or file:).'

/** A silent server is given up after this time, unless npm's fetch-timeout says otherwise. */
const defaultSilence = 60_000

/** Reads a file of a release from what V8_RAWMEM_MIRROR names. */
export async function readFromMirror(
  mirror: string,
  filename: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (/^https?:/i.test(mirror)) {
    return await download(new URL(filename, mirror.endsWith('/') ? mirror : `${mirror}/`), signal)
  }
  const path = join(folderOf(mirror), filename)
  try {
    return await readFile(path, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw new CommandError(`The mirror has no ${filename}: ${(error as Error).message}`, advice, {
      cause: error,
    })
  }
}

function folderOf(mirror: string): string {
  if (/^file:/i.test(mirror)) {
    try {
      return fileURLToPath(mirror)
    } catch (cause) {
      throw new CommandError(`${mirror} is no URL of a folder here`, advice, { cause })
    }
  }
  if (/^[a-z][a-z\d+.-]+:/i.test(mirror)) {
    throw new CommandError(`A mirror cannot be read by this protocol: ${mirror}`, advice)
  }
  return resolve(mirror)
}

async function download(url: URL, signal?: AbortSignal): Promise<Uint8Array> {
  const headers: Record<string, string> = {}
  if (url.username !== '') {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`
    // Neither fetch nor an error message wants to see it.
    url.username = ''
    url.password = ''
  }
  const silence = Number(process.env.npm_config_fetch_timeout) || defaultSilence
  const guard = new AbortController()
  const timer = setTimeout(() => guard.abort(), silence)
  const signals = signal ? [signal, guard.signal] : [guard.signal]
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.any(signals) })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw new CommandError(
        `The mirror answers ${response.status} ${response.statusText} for ${url}`,
        advice,
      )
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) {
      chunks.push(chunk)
      timer.refresh()
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof CommandError) throw error
    signal?.throwIfAborted()
    throw new CommandError(
      guard.signal.aborted
        ? `The mirror has been silent for ${silence / 1000} s: ${url}`
        : `The mirror cannot be read: ${url}: ${describeNetworkError(error)}`,
      'Look at the mirror and the way there, and install again.',
      { cause: error },
    )
  } finally {
    clearTimeout(timer)
  }
}

/** fetch says little; what went wrong is in the cause. */
function describeNetworkError(error: unknown): string {
  const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}
