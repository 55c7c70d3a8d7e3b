// The pages lead where they say, and what they show runs.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A page without its blocks of code, whose brackets and number signs mean something else. */
function prose(path: string): string {
  return readFileSync(path, 'utf8').replace(/^```[\s\S]*?^```/gm, '')
}

/** The anchors that GitHub gives the headings of a page. */
function anchors(path: string): Set<string> {
  const headings = prose(path).matchAll(/^#+ (.*)$/gm)
  return new Set(
    [...headings].map(([, heading]) =>
      (heading as string)
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test('links between pages lead to files and headings that exist', (t) => {
  const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: repository, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((path) => join(repository, path))
  t.true(pages.length > 10)
  for (const page of pages.filter((path) => existsSync(path))) {
    for (const [, link] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link as string)) continue
      const [path = '', anchor] = (link as string).split('#')
      const target = path === '' ? page : join(dirname(page), path)
      const where = `${relative(repository, page)}: ${link}`
      t.true(existsSync(target), where)
      if (anchor !== undefined) t.true(anchors(target).has(anchor), where)
    }
  }
})

test("the README's first program runs as it is", (t) => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8')
  const [, program] = /^```js\n([\s\S]*?)^```/m.exec(readme) ?? []
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(dirname(compilePackage().dist), join(folder, 'node_modules', 'v8-rawmem'))
  symlinkSync(join(repository, 'node_modules', 'wabt'), join(folder, 'node_modules', 'wabt'))
  writeFileSync(join(folder, 'sum.mjs'), program as string)
  const output = execFileSync(process.execPath, ['sum.mjs'], { cwd: folder, encoding: 'utf8' })
  const [, expected] = /console\.log\(.*\) \/\/ (.*)$/m.exec(program as string) ?? []
  t.is(output, `${expected}\n`)
})
