import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Has each module of this project know the file that it comes from. */
const ownFiles: Plugin = {
  name: 'own-files',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path)),
      ),
      loader: 'ts',
    }))
  },
}

let bundled: Promise<string> | undefined

/**
 * `build-scripts/cli.ts` and the packages it needs in few files, once for all tests of a file: their
 * some hundred modules take a second to load, each time.
 */
export function bundledCli(): Promise<string> {
  bundled ??= bundle()
  return bundled
}

async function bundle(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-cli-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await build({
    entryPoints: [join(repository, 'build-scripts/cli.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [ownFiles],
    // These read files of their own.
    external: ['fs-native-extensions', '@cyclonedx/cyclonedx-library'],
    // For the packages that are CommonJS.
    banner: {
      js: `import { createRequire as requireFor } from 'node:module'
        const require = requireFor(import.meta.url)`,
    },
    logLevel: 'warning',
  })
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'cli.mjs')
}
