import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/temporary-file.ts'
import { importCircles } from './import-circles.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

for (const granularity of ['folder', 'file'] as const) {
  test(`no ${granularity}s of build-scripts/ import each other in a circle`, (t) => {
    t.deepEqual(importCircles(join(repository, 'build-scripts'), granularity), [])
  })
}

function project(t: ExecutionContext, files: Record<string, string>): string {
  const root = temporaryFolder(t)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test('a circle is shown with the imports that make it, those of types included', (t) => {
  const root = project(t, {
    'a/one.ts': "import {\n  two,\n} from '../b/two.ts'\n",
    'b/two.ts': "export * from '../c/three.ts'\n",
    'c/three.ts': "import type { One } from '../a/one.ts'\nimport './alone.ts'\n",
    'c/alone.ts': "import 'node:fs'\n",
  })
  const circle =
    'a/one.ts imports b/two.ts\n  b/two.ts imports c/three.ts\n  c/three.ts imports a/one.ts'
  t.deepEqual(importCircles(root, 'folder'), [circle])
  t.deepEqual(importCircles(root, 'file'), [circle])
})

test('folders may be in a circle where no files are, and files where no folders are', (t) => {
  const folders = project(t, {
    'a/one.ts': "import '../b/two.ts'\n",
    'b/two.ts': '',
    'b/three.ts': "const later = () => import('../a/one.ts')\n",
  })
  t.is(importCircles(folders, 'folder').length, 1)
  t.deepEqual(importCircles(folders, 'file'), [])
  const files = project(t, { 'one.ts': "import './two.ts'\n", 'two.ts': "import './one.ts'\n" })
  t.deepEqual(importCircles(files, 'folder'), [])
  t.is(importCircles(files, 'file').length, 1)
})
