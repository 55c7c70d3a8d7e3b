import { readFileSync } from 'node:fs'
import test from 'ava'
import { blocks } from './page.ts'

const sample = (path: string) =>
  readFileSync(new URL(`../../samples/cluster/${path}`, import.meta.url), 'utf8')

test('the page shows the scripts as they are', (t) => {
  t.deepEqual(blocks('Slurm', 'bash'), [sample('slurm/part.sh')])
  t.deepEqual(blocks('Dask', 'python'), [sample('dask/parts.py')])
  t.deepEqual(blocks('Kubernetes', 'yaml'), [sample('kubernetes/parts.yaml')])
})
