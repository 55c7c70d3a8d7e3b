import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { writeFiles } from './build-project.ts'

/** One version of the source package chromium in a suite. */
export interface MirroredPackage {
  readonly version: string
  /** The archive's name, size and sha256. */
  readonly file: string
  readonly size: number
  readonly sha256: string
}

const pool = 'pool/main/c/chromium'

/**
 * Makes a Debian archive of source packages in a folder: lists for each suite, and what is in `pool`.
 *
 * @param suites the packages that each suite lists
 */
export function makeMirror(
  folder: string,
  suites: Readonly<Record<string, readonly MirroredPackage[]>>,
): void {
  mkdirSync(join(folder, pool), { recursive: true })
  for (const [suite, packages] of Object.entries(suites)) {
    const sources = packages
      .map(({ version, file, size, sha256 }) =>
        [
          'Package: chromium',
          'Format: 3.0 (quilt)',
          'Binary: chromium',
          'Architecture: any',
          `Version: ${version}`,
          `Directory: ${pool}`,
          'Checksums-Sha256:',
          ` ${sha256} ${size} ${file}`,
          'Files:',
          ` ${'0'.repeat(32)} ${size} ${file}`,
          '',
        ].join('\n'),
      )
      .join('\n')
    const digest = createHash('sha256').update(sources).digest('hex')
    writeFiles(join(folder, 'dists', suite), {
      'main/source/Sources': sources,
      Release: [
        'Origin: Debian',
        `Suite: ${suite}`,
        `Codename: ${suite}`,
        'Components: main',
        'SHA256:',
        ` ${digest} ${sources.length} main/source/Sources`,
        '',
      ].join('\n'),
    })
  }
}

/** Serves a folder over HTTP, as mirrors and snapshot services do. */
export async function serveFolder(
  folder: string,
  answers: Readonly<Record<string, unknown>> = {},
): Promise<{ url: string; requests: string[]; close(): void }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!
    requests.push(`${request.method} ${path}`)
    const file = join(folder, path)
    if (path in answers) response.end(JSON.stringify(answers[path]))
    else if (existsSync(file) && statSync(file).isFile()) {
      const content = readFileSync(file)
      response.setHeader('content-length', content.length)
      response.end(request.method === 'HEAD' ? undefined : content)
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests, close: () => server.close() }
}
