import { request } from 'undici'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { PinnedArchive } from '../shared/pin.ts'
import { headersTimeout, withDispatcher } from './download.ts'

const answerSchema = z.object({
  fileinfo: z.record(z.string(), z.array(z.object({ name: z.string(), size: z.int() }))),
})

/**
 * Where a service that keeps all that Debian has ever released has an archive. It is asked in the way of Debian's own
 * such service: by source package and version for the files, and for a file by its hash.
 *
 * @param base the URL of the service
 */
export async function locateInSnapshot(
  base: string,
  { debian, file, size }: PinnedArchive,
): Promise<URL> {
  const root = base.replace(/\/*$/, '/')
  const { package: name, version } = debian!
  const question = new URL(
    `mr/package/${encodeURIComponent(name)}/${encodeURIComponent(version)}/srcfiles?fileinfo=1`,
    root,
  )
  const answer = answerSchema.safeParse(await getJson(question))
  if (!answer.success) {
    throw refused(`${question} answers something else than a list of files.`)
  }
  for (const [hash, places] of Object.entries(answer.data.fileinfo)) {
    if (!places.some((one) => one.name === file && one.size === size)) continue
    return new URL(`file/${encodeURIComponent(hash)}`, root)
  }
  throw refused(`${base} has no ${file} of ${size} bytes in ${name} ${version}.`)
}

async function getJson(url: URL): Promise<unknown> {
  try {
    return await withDispatcher(undefined, async (dispatcher) => {
      const { statusCode, body } = await request(url, { headersTimeout, dispatcher })
      const text = await body.text()
      if (statusCode !== 200) throw refused(`${url} answers ${statusCode}.`)
      return JSON.parse(text)
    })
  } catch (cause) {
    if (cause instanceof AdvisedError) throw cause
    throw refused(`${url} does not answer: ${(cause as Error).message}.`, cause)
  }
}

function refused(message: string, cause?: unknown): AdvisedError {
  return new AdvisedError(message, 'Name another service with --snapshot <URL>.', { cause })
}
