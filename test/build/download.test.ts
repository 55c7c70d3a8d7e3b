import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { download } from '../../build-scripts/fetch/download.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3))
const expected = {
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
}
const retries = { attempts: 3, firstPauseMilliseconds: 1 }

/** A server on the loopback interface, and the Range headers it was asked with. */
async function serve(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
) {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    answer(request, response, ranges.length)
  })
  const { url, close } = await listenOnLoopback(server)
  t.teardown(close)
  return { url: new URL('source.tar.xz', url), ranges }
}

function target(t: ExecutionContext): string {
  const folder = temporaryFolder(t)
  return join(folder, 'source.tar.xz')
}

/** Answers as a server that knows ranges does, and hangs up after `limit` bytes. */
function sendRange(request: IncomingMessage, response: ServerResponse, limit = Infinity): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? 'bytes=0-')?.[1])
  const rest = content.subarray(start)
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': rest.length,
    ...(start > 0
      ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
      : {}),
  })
  if (limit >= rest.length) response.end(rest)
  else response.write(rest.subarray(0, limit), () => setTimeout(() => response.destroy(), 20))
}

test('asks for the rest when the connection is cut, and for nothing twice', async (t) => {
  const path = target(t)
  const { url, ranges } = await serve(t, (request, response, count) => {
    sendRange(request, response, count <= 2 ? 100_000 : Infinity)
  })
  await download(url, path, expected, { retries })
  t.deepEqual(readFileSync(path), content)
  t.deepEqual(ranges, [undefined, 'bytes=100000-', 'bytes=200000-'])
  t.false(existsSync(`${path}.part`))
})

test('goes on from what an earlier run left', async (t) => {
  const path = target(t)
  writeFileSync(`${path}.part`, content.subarray(0, 123_456))
  const { url, ranges } = await serve(t, (request, response) => sendRange(request, response))
  await download(url, path, expected, { retries })
  t.deepEqual(readFileSync(path), content)
  t.deepEqual(ranges, ['bytes=123456-'])
})

test('starts over with a server that knows no ranges', async (t) => {
  const path = target(t)
  writeFileSync(`${path}.part`, 'something else entirely')
  const { url } = await serve(t, (_, response) => response.end(content))
  await download(url, path, expected, { retries })
  t.deepEqual(readFileSync(path), content)
})

test('keeps what arrived when it gives up', async (t) => {
  const path = target(t)
  const { url, ranges } = await serve(t, (request, response, count) => {
    if (count === 1) sendRange(request, response, 100_000)
    else response.destroy()
  })
  const error = await t.throwsAsync(download(url, path, expected, { retries }))
  t.regex(error.message, /^Cannot download http/)
  t.is(ranges.length, 1 + retries.attempts - 1)
  t.deepEqual(readFileSync(`${path}.part`), content.subarray(0, 100_000))
  t.false(existsSync(path))
})

test('tries again after an error of the server, but not after "not found"', async (t) => {
  const path = target(t)
  const flaky = await serve(t, (request, response, count) => {
    if (count === 1) response.writeHead(503).end()
    else sendRange(request, response)
  })
  await download(flaky.url, path, expected, { retries })
  t.deepEqual(readFileSync(path), content)

  const gone = await serve(t, (_, response) => response.writeHead(404).end())
  const error = await t.throwsAsync(download(gone.url, target(t), expected, { retries }))
  t.regex(error.message, /source\.tar\.xz: the server answers 404\.$/)
  t.is(gone.ranges.length, 1)
})

test('refuses other bytes, names both checksums, and keeps none of them', async (t) => {
  const path = target(t)
  const { url } = await serve(t, (request, response) => sendRange(request, response))
  const error = await t.throwsAsync(
    download(url, path, { ...expected, sha256: '0'.repeat(64) }, { retries }),
  )
  t.regex(error.message, /Wrong checksum of source\.tar\.xz/)
  t.true(error.message.includes('0'.repeat(64)))
  t.true(error.message.includes(expected.sha256))
  t.false(existsSync(path))
  t.false(existsSync(`${path}.part`))
})

test('stops at a file that is larger than it should be', async (t) => {
  const path = target(t)
  const { url } = await serve(t, (request, response) => sendRange(request, response))
  const error = await t.throwsAsync(download(url, path, { ...expected, size: 1000 }, { retries }))
  t.regex(error.message, /larger than the 1000 bytes/)
  t.false(existsSync(path))
})

test('takes file URLs and follows redirects', async (t) => {
  const origin = target(t)
  writeFileSync(origin, content)
  const copy = target(t)
  await download(pathToFileURL(origin), copy, expected)
  t.deepEqual(readFileSync(copy), content)

  const redirected = target(t)
  const { url } = await serve(t, (request, response) => {
    if (request.url === '/moved') sendRange(request, response)
    else response.writeHead(302, { location: '/moved' }).end()
  })
  await download(url, redirected, expected, { retries })
  t.deepEqual(readFileSync(redirected), content)
})
