import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Release, readRelease } from '../../../build-scripts/release/release-manifest.ts'
import { sha256OfFile } from '../../../build-scripts/shared/hash.ts'
import { integrityOf } from '../../../cli/install/integrity.ts'
import { npmEnvironment } from '../../../cli/install/npm.ts'
import { serveRegistry } from '../faulty-server.ts'
import { writeNpmrc } from '../registry.ts'
import type { Scenario, Setting } from '../scenario.ts'

const platformPackage = '@v8-rawmem/linux-x64'

/** `npm run release`, as the user whose npm configuration has the token for the registry. */
export async function release(
  setting: Pick<Setting, 'repository' | 'folder' | 'signal'>,
  args: readonly string[],
  userconfig: string,
): Promise<{ exitCode: number | null; output: string }> {
  return await new Promise((done, fail) => {
    const child = spawn('npm', ['run', '--silent', 'release', '--', ...args], {
      cwd: setting.repository,
      env: {
        ...npmEnvironment(),
        npm_config_userconfig: userconfig,
        npm_config_cache: join(setting.folder, 'npm-cache'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: setting.signal,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk
      })
    }
    child.once('error', fail)
    child.once('close', (exitCode) => done({ exitCode, output }))
  })
}

async function publish(
  setting: Setting,
  folder: string,
  registry: string,
  ...args: string[]
): Promise<{ exitCode: number | null; output: string }> {
  const userconfig = join(setting.folder, `npmrc-${new URL(registry).port}`)
  await writeNpmrc(userconfig, { ...setting.registry, url: registry }, true)
  return await release(
    setting,
    ['--publish', '--folder', folder, '--registry', registry, ...args],
    userconfig,
  )
}

async function publishedVersions({ registry }: Setting, name: string): Promise<string[]> {
  const response = await fetch(new URL(name, registry.url))
  if (response.status === 404) return []
  return Object.keys(((await response.json()) as { versions: object }).versions)
}

/** What the others install. They run whatever is chosen. */
export const publishing: readonly Scenario[] = [
  {
    name: 'publish: --dry-run publishes nothing',
    async run(setting) {
      const { exitCode, output } = await publish(
        setting,
        setting.release,
        setting.registry.url,
        '--dry-run',
      )
      assert.equal(exitCode, 0, output)
      assert.deepEqual(await publishedVersions(setting, platformPackage), [])
      assert.deepEqual(await publishedVersions(setting, 'v8-rawmem'), [])
      return undefined
    },
  },
  {
    name: 'publish: interrupted after the platform, then gone on with, under another tag',
    async run(setting) {
      const { release: folder, registry, version } = setting
      await using broken = await serveRegistry(registry.url, ({ path, method }) =>
        method === 'PUT' && path === '/v8-rawmem' ? { status: 503 } : undefined,
      )
      const first = await publish(setting, folder, broken.url, '--tag', 'next')
      assert.equal(first.exitCode, 1, first.output)
      assert.match(first.output, /could not publish v8-rawmem@/)
      assert.deepEqual(await publishedVersions(setting, platformPackage), [version])
      assert.deepEqual(await publishedVersions(setting, 'v8-rawmem'), [])

      const second = await publish(setting, folder, registry.url, '--tag', 'next')
      assert.equal(second.exitCode, 0, second.output)
      assert.match(second.output, /@v8-rawmem\/linux-x64@\S+ is there already/)
      assert.deepEqual(await publishedVersions(setting, 'v8-rawmem'), [version])
      const packument = await (await fetch(new URL('v8-rawmem', registry.url))).json()
      assert.equal((packument as { 'dist-tags': { next: string } })['dist-tags'].next, version)
      return undefined
    },
  },
]

export const publishingAgain: readonly Scenario[] = [
  {
    name: 'publish: again, there is nothing left to do',
    async run(setting) {
      const { exitCode, output } = await publish(setting, setting.release, setting.registry.url)
      assert.equal(exitCode, 0, output)
      const { packages } = await readRelease(setting.release)
      assert.equal(output.match(/is there already/g)?.length, packages.length, output)
      return undefined
    },
  },
  {
    name: 'publish: other bytes of the same version are refused',
    async run(setting) {
      const folder = join(setting.folder, 'other-release')
      await mkdir(folder)
      await cp(setting.release, folder, { recursive: true })
      const path = join(folder, 'release.json')
      const about = JSON.parse(await readFile(path, 'utf8')) as Release
      const main = about.packages.at(-1)! as { filename: string; integrity: string }
      const tarball = join(folder, main.filename)
      const sums = join(folder, 'SHA256SUMS')
      let listed = await readFile(sums, 'utf8')
      const relist = async (name: string, was: string) => {
        listed = listed.replace(was, await sha256OfFile(join(folder, name)))
      }
      const [oldTarball, oldAbout] = [await sha256OfFile(tarball), await sha256OfFile(path)]
      const content = gzipSync(gunzipSync(await readFile(tarball)), { level: 1 })
      await writeFile(tarball, content)
      main.integrity = integrityOf(content)
      await writeFile(path, JSON.stringify(about))
      await relist(main.filename, oldTarball)
      await relist('release.json', oldAbout)
      await writeFile(sums, listed)
      const { exitCode, output } = await publish(setting, folder, setting.registry.url)
      assert.equal(exitCode, 1, output)
      assert.match(output, /The registry has another v8-rawmem@/)
      await rm(folder, { recursive: true })
      return undefined
    },
  },
  {
    name: 'publish: a release with a damaged file is refused',
    async run(setting) {
      const folder = join(setting.folder, 'damaged-release')
      await cp(setting.release, folder, { recursive: true })
      await appendFile(join(folder, `v8-rawmem-${setting.version}.tgz.cdx.json`), ' ')
      const { exitCode, output } = await publish(setting, folder, setting.registry.url)
      assert.equal(exitCode, 1, output)
      assert.match(output, /\.tgz\.cdx\.json in .* is not the file that SHA256SUMS lists/)
      await rm(folder, { recursive: true })
      return undefined
    },
  },
  {
    name: 'publish: a snapshot goes to no registry elsewhere',
    async run(setting) {
      const { exitCode, output } = await publish(
        setting,
        setting.release,
        'https://registry.example/',
      )
      assert.equal(exitCode, 1, output)
      assert.match(output, /This release is a snapshot/)
      return undefined
    },
  },
]
