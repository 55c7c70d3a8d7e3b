import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** What each file of samples/ imports by a path, both as paths in the repository. */
const imports = readdirSync(join(repository, 'samples'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((name) => {
    const file = join('samples', name)
    const text = readFileSync(join(repository, file), 'utf8')
    return [...text.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, path]) => ({
      file,
      imported: relative('.', join(dirname(file), path!)),
    }))
  })

test('a sample needs its own folder, the shared ones and the package by its name', (t) => {
  t.true(imports.some(({ imported }) => imported === 'samples/shared/report.ts'))
  const wrong = imports.filter(({ file, imported }) => {
    const own = file.split('/').slice(0, 2).join('/')
    const allowed = [`${own}/`, 'samples/shared/', 'terminal/', 'cli/assemble.ts']
    return !allowed.some((start) => imported.startsWith(start))
  })
  t.deepEqual(wrong, [])
})
