import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const { version } = require('esbuild/package.json')
const options = {
  loader: 'ts',
  format: 'esm',
  // It has no "using", for one.
  target: 'node20',
  sourcemap: 'inline',
  sourcesContent: false,
}
const cache = new URL('../node_modules/.cache/typescript/', import.meta.url)

/** Hook of Node's module loader: compiles TypeScript, each file once for all processes. */
export function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !/\.ts(?:\?|$)/.test(url)) return nextLoad(url, context)
  return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
}

function compiled(path) {
  const text = readFileSync(path, 'utf8')
  const key = JSON.stringify([version, options, path, text])
  const name = new URL(`${createHash('sha256').update(key).digest('hex')}.js`, cache)
  try {
    return readFileSync(name, 'utf8')
  } catch {
    const { code } = require('esbuild').transformSync(text, { ...options, sourcefile: path })
    keep(name, code)
    return code
  }
}

/** Keeps it for other processes, if the checkout can be written to. */
function keep(name, code) {
  const mine = new URL(`${name.href}.${process.pid}`)
  try {
    mkdirSync(cache, { recursive: true })
    writeFileSync(mine, code)
    renameSync(mine, name)
  } catch {}
}
