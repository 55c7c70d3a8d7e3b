// Compiles the package to JavaScript. An import of many small files takes longer than all that they
// do: modules are put into few.

import { chmodSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const repository = dirname(dirname(fileURLToPath(import.meta.url)))

/** What programs import, in a file of its own. */
const library = ['bindings/index.ts']
/** What threads and child processes begin with. They share files. */
const others = [
  'bindings/workers/thread-main.ts',
  'bindings/inspector/server-main.ts',
  'cli/main.ts',
  'cli/install/main.ts',
  'cli/install/check-main.ts',
]

/** Writes JavaScript for the oldest supported Node, with source maps, into a folder. */
export function bundle(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  for (const entryPoints of [library, others]) compile(entryPoints, folder)
  chmodSync(join(folder, 'cli', 'main.js'), 0o755)
}

function compile(entryPoints: string[], folder: string): void {
  buildSync({
    absWorkingDir: repository,
    entryPoints,
    outdir: folder,
    outbase: repository,
    // What several entry points share, or import later.
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
    minifyWhitespace: true,
    minifySyntax: true,
    // Node prints the line of an error that nothing catches.
    lineLimit: 120,
    logLevel: 'warning',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  bundle(join(repository, 'dist'))
}
