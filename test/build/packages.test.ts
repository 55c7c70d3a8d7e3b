import { readFileSync } from 'node:fs'
import test from 'ava'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly engines: { readonly node: string }
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))

const main: Manifest = read('package.json')
const platforms = ['linux-arm64', 'linux-x64']

test("the packages' versions are one, and the main one asks for exactly that", (t) => {
  t.deepEqual(
    main.optionalDependencies,
    Object.fromEntries(platforms.map((name) => [`@v8-rawmem/${name}`, main.version])),
  )
  for (const name of platforms) {
    const platform: Manifest = read(`prebuilds/${name}/package.json`)
    t.is(platform.name, `@v8-rawmem/${name}`)
    t.is(platform.version, main.version)
    t.is(platform.license, main.license)
    t.deepEqual(platform.engines, main.engines)
    t.is(`${platform.os}-${platform.cpu}`, name)
    t.deepEqual(platform.libc, ['glibc'])
  }
})

test('the lock file says of the packages what they say themselves', (t) => {
  const lock: { version: string; packages: Record<string, Manifest> } = read('package-lock.json')
  t.is(lock.version, main.version)
  t.like(lock.packages[''], {
    version: main.version,
    optionalDependencies: main.optionalDependencies,
  })
  for (const name of platforms) {
    const { version, license, engines, os, cpu, libc }: Manifest = read(
      `prebuilds/${name}/package.json`,
    )
    t.like(lock.packages[`prebuilds/${name}`], { version, license, engines, os, cpu, libc })
  }
})
