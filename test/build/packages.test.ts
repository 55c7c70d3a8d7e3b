import { readFileSync } from 'node:fs'
import test from 'ava'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly engines: { readonly node: string }
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as Manifest

const main = read('package.json')
const platforms = ['linux-x64']

test("the packages' versions are one, and the main one asks for exactly that", (t) => {
  t.deepEqual(
    main.optionalDependencies,
    Object.fromEntries(platforms.map((name) => [`@v8-rawmem/${name}`, main.version])),
  )
  for (const name of platforms) {
    const platform = read(`prebuilds/${name}/package.json`)
    t.is(platform.name, `@v8-rawmem/${name}`)
    t.is(platform.version, main.version)
    t.is(platform.license, main.license)
    t.deepEqual(platform.engines, main.engines)
    t.is(`${platform.os}-${platform.cpu}`, name)
  }
})
