import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runServer } from 'verdaccio'
import { $ } from 'zx'
import { npmEnvironment } from '../../cli/install/npm.ts'
import { listenOnLoopback } from '../support/loopback.ts'

export interface Registry {
  readonly url: string
  /** Of a user who may publish. */
  readonly token: string
  close(): Promise<void>
}

/** Verdaccio on the loopback interface, with everything of it in `folder`. No other registry is behind it. */
export async function startRegistry(folder: string): Promise<Registry> {
  await mkdir(folder, { recursive: true })
  const app = await runServer({
    self_path: folder,
    configPath: join(folder, 'config.yaml'),
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: {},
    packages: { '**': { access: '$all', publish: '$authenticated' } },
    max_body_size: '100mb',
    web: { enable: false },
    log: { type: 'file', path: join(folder, 'log'), level: 'http', format: 'json' },
  } as never)
  const { url, close } = await listenOnLoopback(app)
  return { url, token: await addUser(url, 'publisher'), close }
}

async function addUser(registry: string, name: string): Promise<string> {
  const response = await fetch(new URL(`-/user/org.couchdb.user:${name}`, registry), {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: 'on this machine only' }),
  })
  const { token } = (await response.json()) as { token?: string }
  if (!token) throw new Error(`verdaccio gives ${name} no token: ${response.status}`)
  return token
}

/** Publishes what a checkout has installed for users of the package: nothing has to come from elsewhere. */
export async function publishDependencies(
  registry: Registry,
  project: string,
  folder: string,
): Promise<number> {
  const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; link?: boolean }>
  }
  const wanted = Object.entries(packages)
    .filter(([path, { dev, link }]) => path.startsWith('node_modules/') && !dev && !link)
    .map(([path]) => `./${path}`)
    // What users of TypeScript have.
    .concat('./node_modules/@types/node', './node_modules/undici-types')
  await mkdir(folder, { recursive: true })
  const { stdout } = await $({
    cwd: project,
    env: npmEnvironment(),
    quiet: true,
  })`npm pack --ignore-scripts --pack-destination=${folder} --json ${wanted}`
  const packed = Object.values(JSON.parse(stdout)) as { filename: string }[]
  for (const [at, { filename }] of packed.entries()) {
    const manifest = JSON.parse(await readFile(join(project, wanted[at]!, 'package.json'), 'utf8'))
    await put(registry, manifest, await readFile(join(folder, filename)))
  }
  return wanted.length
}

interface Manifest {
  readonly name: string
  readonly version: string
}

/** What `npm publish` sends; it takes a second for each package. */
async function put(
  { url, token }: Registry,
  manifest: Manifest,
  tarball: Uint8Array,
): Promise<void> {
  const { name, version } = manifest
  const hash = (algorithm: string, encoding: 'base64' | 'hex') =>
    createHash(algorithm).update(tarball).digest(encoding)
  const file = `${name}-${version}.tgz`
  const dist = {
    integrity: `sha512-${hash('sha512', 'base64')}`,
    shasum: hash('sha1', 'hex'),
    tarball: new URL(`${name}/-/${file}`, url).href,
  }
  const response = await fetch(new URL(name.replace('/', '%2f'), url), {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      _id: name,
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
      _attachments: {
        [file]: {
          content_type: 'application/octet-stream',
          data: Buffer.from(tarball).toString('base64'),
          length: tarball.length,
        },
      },
    }),
  })
  if (!response.ok) {
    throw new Error(`verdaccio refuses ${name}@${version}: ${await response.text()}`)
  }
}

/** The user's npm configuration for it, with or without the right to publish. */
export async function writeNpmrc(
  path: string,
  { url, token }: Pick<Registry, 'url' | 'token'>,
  login: boolean,
): Promise<void> {
  const lines = [
    `registry=${url}`,
    ...(login ? [`//${new URL(url).host}/:_authToken=${token}`] : []),
    'audit=false',
    'fund=false',
    'update-notifier=false',
    'fetch-retries=0',
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
}
