import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Dispatcher, EnvHttpProxyAgent, interceptors, request } from 'undici'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { diskFull, requireFreeBytes, saysDiskFull } from '../shared/disk.ts'
import { renameDurably } from '../shared/files.ts'
import { formatBytes, startProgress, warn } from '../shared/terminal.ts'
import { type RetryPolicy, retry } from './retry.ts'

/** What a file must be to be taken for the one that was asked for. */
interface Expected {
  readonly size: number
  /** Undefined where nothing is known of its content yet. */
  readonly sha256?: string | undefined
}

/** How a server answers when it is asked for a file's size; of a file on this machine, the size. */
export async function askForSize(
  url: URL,
  proxy?: string,
): Promise<{ size?: number; refusal?: string }> {
  if (url.protocol === 'file:') {
    const found = await stat(fileURLToPath(url)).catch(() => undefined)
    return found ? { size: found.size } : { refusal: 'is not there' }
  }
  try {
    const { statusCode, headers } = await withDispatcher(proxy, async (dispatcher) => {
      const answer = await request(url, { method: 'HEAD', headersTimeout, dispatcher })
      await answer.body.dump()
      return answer
    })
    if (statusCode !== 200) return { refusal: `answers ${statusCode}` }
    return { size: Number(headers['content-length']) }
  } catch (error) {
    return { refusal: `does not answer: ${reason(error)}` }
  }
}

/** How long a server has for the beginning of its answer, in milliseconds. */
export const headersTimeout = 30_000

/**
 * Does work over HTTP that follows redirects.
 *
 * @param proxy default: what HTTPS_PROXY and HTTP_PROXY name
 */
export async function withDispatcher<T>(
  proxy: string | undefined,
  work: (dispatcher: Dispatcher) => Promise<T>,
): Promise<T> {
  const agent = new EnvHttpProxyAgent(proxy ? { httpProxy: proxy, httpsProxy: proxy } : {})
  try {
    return await work(agent.compose(interceptors.redirect({ maxRedirections: 5 })))
  } finally {
    await agent.destroy()
  }
}

const patience: RetryPolicy = { attempts: 6, firstPauseMilliseconds: 1000 }

/** A failure that another attempt will not mend. */
class Refused extends Error {}

/**
 * Brings `url` (http, https or file) to `target`. What has arrived stays in `target.part`, and the next attempt, or
 * the next run, asks for the rest only. `target` appears when it is whole, its checksum right, and on the disk.
 *
 * @returns the sha256 of its bytes
 */
export async function download(
  url: URL,
  target: string,
  expected: Expected,
  { proxy, retries = patience }: { proxy?: string; retries?: RetryPolicy } = {},
): Promise<string> {
  const name = basename(target)
  const part = `${target}.part`
  await mkdir(dirname(target), { recursive: true })
  const file = await open(part, 'a+')
  try {
    const arrived = (await file.stat()).size
    if (arrived > expected.size) await file.truncate(0)
    await requireFreeBytes(dirname(target), expected.size - arrived, `downloading ${name}`)
    const transfer = await Transfer.open(file, part, expected.size)
    await complete(transfer, url, `download ${name}`, retries, proxy)
    const sha256 = transfer.digest()
    if (expected.sha256 !== undefined && sha256 !== expected.sha256) {
      await rm(part)
      throw new AdvisedError(
        `Wrong checksum of ${name} from ${url}:\n  expected sha256 ${expected.sha256}\n  got      sha256 ${sha256}`,
        'The file was changed on its way or at its source; what arrived has been deleted.\nRun the command again, or name another copy with --archive <path or URL>.',
      )
    }
    await file.sync()
    await renameDurably(part, target)
    return sha256
  } catch (error) {
    if (saysDiskFull(error)) throw diskFull(dirname(target), `downloading ${name}`, error)
    throw error
  } finally {
    await file.close()
  }
}

/** Brings what is lacking, in as many attempts as it takes. */
async function complete(
  transfer: Transfer,
  url: URL,
  title: string,
  retries: RetryPolicy,
  proxy: string | undefined,
): Promise<void> {
  const { whole } = transfer
  const progress = startProgress(title, whole, 'bytes', transfer.size)
  const onFailure = (error: unknown, isLast: boolean, seconds: number) => {
    if (error instanceof AdvisedError || saysDiskFull(error)) throw error
    if (isLast || error instanceof Refused) {
      throw new AdvisedError(
        `Cannot download ${url}: ${reason(error)}.`,
        'Check the network (HTTPS_PROXY and HTTP_PROXY are honoured) and run the command again: what has arrived is kept.\nOr name another copy with --archive <path or URL>.',
        { cause: error },
      )
    }
    warn(`${url}: ${reason(error)}, going on at ${formatBytes(transfer.size)} in ${seconds} s`)
  }
  const attempt = async (dispatcher: Dispatcher) => {
    if (transfer.size === whole) return
    for await (const chunk of await transfer.openRest(url, dispatcher)) {
      await transfer.append(chunk)
      progress.update(transfer.size)
    }
    if (transfer.size < whole) throw new Error('the connection ended early')
  }
  try {
    await withDispatcher(proxy, (dispatcher) =>
      retry(() => attempt(dispatcher), {
        ...retries,
        gained: () => transfer.size,
        onFailure,
      }),
    )
    progress.end()
  } catch (error) {
    progress.abandon()
    throw error
  }
}

/** The bytes of one download: how many there are, and their running hash. */
class Transfer {
  size = 0
  #hash: Hash = createHash('sha256')

  private constructor(
    readonly file: FileHandle,
    readonly whole: number,
  ) {}

  /** Takes up what an earlier run left. */
  static async open(file: FileHandle, part: string, whole: number) {
    const transfer = new Transfer(file, whole)
    for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) {
      transfer.#hash.update(chunk)
      transfer.size += chunk.length
    }
    return transfer
  }

  digest(): string {
    return this.#hash.digest('hex')
  }

  async append(chunk: Buffer): Promise<void> {
    if (this.size + chunk.length > this.whole) {
      throw new Refused(`it is larger than the ${this.whole} bytes it should have`)
    }
    // appendFile writes all of a chunk or throws; write() may write a part of it.
    await this.file.appendFile(chunk)
    this.#hash.update(chunk)
    this.size += chunk.length
  }

  async openRest(url: URL, dispatcher: Dispatcher): Promise<AsyncIterable<Buffer>> {
    const { size: start } = this
    if (url.protocol === 'file:') {
      return createReadStream(fileURLToPath(url), { start, highWaterMark: 1 << 20 })
    }
    const { statusCode, headers, body } = await request(url, {
      headers: start > 0 ? { range: `bytes=${start}-` } : {},
      headersTimeout,
      bodyTimeout: 60_000,
      dispatcher,
    })
    if (statusCode === 206) {
      const range = String(headers['content-range'])
      if (range.startsWith(`bytes ${start}-`)) return body
      throw new Refused(`the server sent another part of the file than asked for (${range})`)
    }
    if (statusCode === 200) {
      // A server that knows no ranges sends the file from its beginning.
      await this.file.truncate(0)
      this.size = 0
      this.#hash = createHash('sha256')
      return body
    }
    await body.dump()
    const text = `the server answers ${statusCode}`
    throw statusCode === 429 || statusCode >= 500 ? new Error(text) : new Refused(text)
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return message || (code ?? String(error))
}
