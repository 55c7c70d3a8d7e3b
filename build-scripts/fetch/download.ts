import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { BuildError } from '../shared/build-error.ts'
import { diskFull, requireFreeBytes, saysDiskFull } from '../shared/disk.ts'
import { renameDurably } from '../shared/files.ts'
import { formatBytes, startProgress, warn } from '../shared/terminal.ts'

/** What a file must be to be taken for the one that was asked for. */
interface Expected {
  readonly size: number
  readonly sha256: string
}

/** How the downloader meets a connection that breaks. */
interface RetryPolicy {
  /** How many times in a row nothing at all may arrive. */
  readonly attempts: number
  /** The pause before the second attempt, doubled before each further one. */
  readonly firstPauseMilliseconds: number
}

const patientRetries: RetryPolicy = { attempts: 6, firstPauseMilliseconds: 1000 }

/** A failure that another attempt will not mend. */
class Refused extends Error {}

/**
 * Brings `url` (http, https or file) to `target`. What has arrived stays in `target.part`, and the next attempt, or
 * the next run, asks for the rest only. `target` appears when it is whole, its checksum right, and on the disk.
 */
export async function download(
  url: URL,
  target: string,
  expected: Expected,
  signal: AbortSignal,
  { proxy, retries = patientRetries }: { proxy?: string; retries?: RetryPolicy } = {},
): Promise<void> {
  const name = basename(target)
  const part = `${target}.part`
  await mkdir(dirname(target), { recursive: true })
  const file = await open(part, 'a+')
  try {
    const arrived = (await file.stat()).size
    if (arrived > expected.size) await file.truncate(0)
    await requireFreeBytes(dirname(target), expected.size - arrived, `downloading ${name}`)
    const transfer = await Transfer.open(file, part, expected, signal)
    const dispatcher = new EnvHttpProxyAgent(proxy ? { httpProxy: proxy, httpsProxy: proxy } : {})
    const progress = startProgress(`download ${name}`, expected.size, 'bytes', transfer.size)
    try {
      await transfer.complete(url, dispatcher, retries, (done) => progress.update(done))
      progress.end()
    } catch (error) {
      progress.abandon()
      throw error
    } finally {
      await dispatcher.destroy()
    }
    const sha256 = transfer.digest()
    if (sha256 !== expected.sha256) {
      await rm(part)
      throw new BuildError(
        `Wrong checksum of ${name} from ${url}:\n  expected sha256 ${expected.sha256}\n  got      sha256 ${sha256}`,
        'The file was changed on its way or at its source; what arrived has been deleted.\nRun the command again, or name another copy with --archive <path or URL>.',
      )
    }
    await file.sync()
    await renameDurably(part, target)
  } catch (error) {
    if (saysDiskFull(error)) throw diskFull(dirname(target), `downloading ${name}`, error)
    throw error
  } finally {
    await file.close()
  }
}

/** The bytes of one download: how many there are, and their running hash. */
class Transfer {
  size = 0
  #hash: Hash = createHash('sha256')

  private constructor(
    readonly file: FileHandle,
    readonly expected: Expected,
    readonly signal: AbortSignal,
  ) {}

  /** Takes up what an earlier run left. */
  static async open(file: FileHandle, part: string, expected: Expected, signal: AbortSignal) {
    const transfer = new Transfer(file, expected, signal)
    for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20, signal })) {
      transfer.#hash.update(chunk)
      transfer.size += chunk.length
    }
    return transfer
  }

  digest(): string {
    return this.#hash.digest('hex')
  }

  async complete(
    url: URL,
    dispatcher: Dispatcher,
    retries: RetryPolicy,
    report: (done: number) => void,
  ): Promise<void> {
    let failures = 0
    let pause = retries.firstPauseMilliseconds
    while (this.size < this.expected.size) {
      const before = this.size
      try {
        const body = await this.#openAt(url, dispatcher)
        for await (const chunk of body) await this.#append(chunk, report)
        if (this.size < this.expected.size) throw new Error('the connection ended early')
      } catch (error) {
        this.signal.throwIfAborted()
        if (error instanceof BuildError || saysDiskFull(error)) throw error
        if (this.size > before) {
          failures = 0
          pause = retries.firstPauseMilliseconds
        }
        failures++
        if (error instanceof Refused || failures >= retries.attempts)
          throw this.#failure(url, error)
        warn(
          `${url}: ${reason(error)}, going on at ${formatBytes(this.size)} in ${Math.ceil(pause / 1000)} s`,
        )
        await sleep(pause, undefined, { signal: this.signal })
        pause *= 2
      }
    }
  }

  async #append(chunk: Buffer, report: (done: number) => void): Promise<void> {
    if (this.size + chunk.length > this.expected.size) {
      throw new Refused(`it is larger than the ${this.expected.size} bytes it should have`)
    }
    // appendFile writes all of a chunk or throws; write() may write a part of it.
    await this.file.appendFile(chunk)
    this.#hash.update(chunk)
    this.size += chunk.length
    report(this.size)
  }

  async #openAt(url: URL, dispatcher: Dispatcher): Promise<AsyncIterable<Buffer>> {
    if (url.protocol === 'file:') {
      return createReadStream(fileURLToPath(url), {
        start: this.size,
        highWaterMark: 1 << 20,
        signal: this.signal,
      }) as AsyncIterable<Buffer>
    }
    const headers = this.size > 0 ? { range: `bytes=${this.size}-` } : {}
    const response = await requestFollowing(url, { headers, signal: this.signal, dispatcher })
    const { statusCode } = response
    if (statusCode === 206) {
      const range = String(response.headers['content-range'])
      if (!range.startsWith(`bytes ${this.size}-`)) {
        throw new Refused(`the server sent another part of the file than asked for (${range})`)
      }
    } else if (statusCode === 200) {
      await this.#startOver()
    } else {
      await response.body.dump()
      const text = `the server answers ${statusCode}`
      throw statusCode === 429 || statusCode >= 500 ? new Error(text) : new Refused(text)
    }
    return response.body
  }

  /** For a server that knows no ranges, and so sends the file from its beginning. */
  async #startOver(): Promise<void> {
    await this.file.truncate(0)
    this.size = 0
    this.#hash = createHash('sha256')
  }

  #failure(url: URL, cause: unknown): BuildError {
    return new BuildError(
      `Cannot download ${url}: ${reason(cause)}.`,
      'Check the network (HTTPS_PROXY and HTTP_PROXY are honoured) and run the command again: what has arrived is kept.\nOr name another copy with --archive <path or URL>.',
      { cause },
    )
  }
}

async function requestFollowing(
  url: URL,
  options: { headers: Record<string, string>; signal: AbortSignal; dispatcher: Dispatcher },
) {
  let at = url
  for (let redirects = 0; redirects <= 5; redirects++) {
    const response = await request(at, { ...options, headersTimeout: 30_000, bodyTimeout: 60_000 })
    const location = response.headers.location
    if (![301, 302, 303, 307, 308].includes(response.statusCode) || typeof location !== 'string') {
      return response
    }
    await response.body.dump()
    at = new URL(location, at)
  }
  throw new Refused('it redirects without end')
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (message) return message
  return code ?? String(error)
}
