import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const native = fileURLToPath(new URL('../../bindings/native', import.meta.url))

/** Of the V8 inside, and of Node where they bring the V8 that Node was compiled with. */
const v8Header = /^(v8[\w-]*\.h|(libplatform|cppgc)\/.*|node\.h|node_(buffer|object_wrap)\.h)$/

/** The files of a folder below bindings/native/, from there. */
function sources(folder: string): string[] {
  return readdirSync(join(native, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(cc|h)$/.test(file))
    .map((file) => join(folder, file))
}

/** What is wrong with the includes of a file that may use only these folders. */
function wrongIncludes(file: string, folders: readonly string[]): string[] {
  return readFileSync(join(native, file), 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      const [, bracket, name] = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(line) ?? []
      if (name === undefined) return []
      const place = `${file}:${index + 1}: ${name}`
      if (v8Header.test(name)) return [`${place} is a header of V8`]
      if (bracket === '<') return []
      const found = [join(dirname(file), name), name].find((path) => existsSync(join(native, path)))
      if (found === undefined) return [`${place} is not in bindings/native/`]
      return folders.some((folder) => found.startsWith(`${folder}/`))
        ? []
        : [`${place} is not in ${folders.join('/ or ')}/`]
    })
}

for (const { folder, uses } of [
  { folder: 'common', uses: ['common'] },
  { folder: 'node', uses: ['common', 'node'] },
]) {
  test(`the C++ in native/${folder} knows no V8: it includes only what is in ${uses.join(' and ')}`, (t) => {
    const files = sources(folder)
    t.true(files.length > 10)
    t.deepEqual(
      files.flatMap((file) => wrongIncludes(file, uses)),
      [],
    )
  })
}
