// Compiles the package to JavaScript. An import of some hundred small files takes longer than all
// that they do: what the modules share is put into few files.

import { chmodSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const repository = dirname(dirname(fileURLToPath(import.meta.url)))

/** What users, threads and child processes begin with. */
const entryPoints = [
  'bindings/index.ts',
  'bindings/workers/thread-main.ts',
  'bindings/inspector/server-main.ts',
  'cli/main.ts',
  'cli/install/main.ts',
  'cli/install/check-main.ts',
]

/** Writes JavaScript for the oldest supported Node, with source maps, into a folder. */
export function bundle(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  buildSync({
    absWorkingDir: repository,
    entryPoints,
    outdir: folder,
    outbase: repository,
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    // The package has the sources.
    sourcesContent: false,
    // Classes and functions show their names to programs.
    keepNames: true,
    logLevel: 'warning',
  })
  chmodSync(join(folder, 'cli', 'main.js'), 0o755)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  bundle(join(repository, 'dist'))
}
