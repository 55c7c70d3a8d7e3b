import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** A statement begins its line, as Biome formats it. Imports of types count: they, too, say who has to know whom. */
const importing = [
  /^(?:import|export)\b[^'`;]*?\bfrom '(\.[^']+)'/gm,
  /^import '(\.[^']+)'/gm,
  /\bimport\('(\.[^']+)'\)/g,
]

/** What each file of some folders imports of them, by paths in the repository. */
function importsWithin(folders: readonly string[]): Map<string, readonly string[]> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  )
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(repository, file), 'utf8')
      const imported = importing
        .flatMap((pattern) => [...text.matchAll(pattern)])
        .map((match) => join(dirname(file), match[1]!))
      return [file, imported.filter((path) => files.includes(path))]
    }),
  )
}

/** A way from a file back to itself; undefined if there is none. */
function findCircle(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next, [...way, file])
      if (circle) return circle
    }
    done.add(file)
    return undefined
  }
  for (const file of imports.keys()) {
    const circle = visit(file, [])
    if (circle) return circle
  }
  return undefined
}

const imports = importsWithin(['bindings', 'cli', 'terminal'])

test('imports are found, of types and at run time as well', (t) => {
  const of = (file: string) => imports.get(file) ?? []
  t.true(of('bindings/region.ts').includes('bindings/addon/binding.ts'))
  t.true(of('bindings/index.ts').includes('bindings/workers/run-on-worker.ts'))
  t.true(of('cli/info.ts').includes('bindings/addon/load.ts'))
})

test('no files of bindings/, cli/ and terminal/ import each other in a circle', (t) => {
  t.is(findCircle(imports)?.join(' → '), undefined)
})

test('the bindings do not need the command', (t) => {
  const needing = [...imports].filter(
    ([file, imported]) =>
      file.startsWith('bindings/') && imported.some((path) => !path.startsWith('bindings/')),
  )
  t.deepEqual(needing, [])
})

test("backends are peers: none imports another's files", (t) => {
  const backendOf = (path: string) =>
    /^bindings\/backends\/(patched|node-raw|node-rewire)\//.exec(path)?.[1]
  const wrong = [...imports]
    .filter(
      ([file]) => file.startsWith('bindings/backends/') && !file.endsWith('/backends/index.ts'),
    )
    .flatMap(([file, imported]) =>
      imported
        .filter((path) => backendOf(path) !== undefined && backendOf(path) !== backendOf(file))
        .map((path) => `${file} imports ${path}`),
    )
  t.deepEqual(wrong, [])
})
