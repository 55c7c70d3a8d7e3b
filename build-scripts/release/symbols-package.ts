import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { debugFilePath, readBuildId } from '../bind/symbols.ts'
import { put, withTemporaryFolder } from '../shared/files.ts'

/** The name of the package of npm with the debug files of a platform's addons. */
export function symbolsPackage(platform: string): string {
  return `@v8-rawmem/symbols-${platform}`
}

/** Where in a folder of debug files those of a platform's addons are to be, by the addons' names. */
export async function debugFilesOf(prebuild: string): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  for (const addon of (await glob('*.node', { cwd: prebuild })).sort()) {
    paths.set(addon, debugFilePath(await readBuildId(join(prebuild, addon))))
  }
  return paths
}

/** The addons whose debug files are not in `symbols`. */
export async function withoutDebugFile(prebuild: string, symbols: string): Promise<string[]> {
  return [...(await debugFilesOf(prebuild))]
    .filter(([, path]) => !existsSync(join(symbols, path)))
    .map(([addon]) => addon)
}

/**
 * Lets `work` have the package with the debug files of a platform's addons, laid out in a temporary folder.
 *
 * @param prebuild the folder with the addons
 * @param symbols the folder with the debug files
 */
export async function withSymbolsPackage<T>(
  { project, platform, version }: { project: string; platform: string; version: string },
  { prebuild, symbols }: { prebuild: string; symbols: string },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  return await withTemporaryFolder(async (folder) => {
    const paths = await debugFilesOf(prebuild)
    for (const path of paths.values()) await put(join(symbols, path), join(folder, path))
    for (const licence of ['LICENSE', 'LICENSE.v8']) {
      await put(join(project, licence), join(folder, licence))
    }
    const name = symbolsPackage(platform)
    const manifest = {
      name,
      version,
      description: `The names of functions in the addons of v8-rawmem for ${platform}, for debuggers and profilers`,
      license: 'BSD-3-Clause',
      type: 'commonjs',
      preferUnplugged: true,
      exports: { './package.json': './package.json' },
      files: ['.build-id'],
    }
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    await writeFile(join(folder, 'README.md'), readme(name, paths))
    return await work(folder)
  })
}

function readme(name: string, paths: ReadonlyMap<string, string>): string {
  return `# ${name}

The names of functions in the addons of v8-rawmem of the same version: V8's, and those of the binding. gdb finds them by the build
id of the addon, if it is told where to look:

\`\`\`sh
gdb -iex 'set debug-file-directory node_modules/${name}:/usr/lib/debug' --args node program.mjs
perf buildid-cache --add node_modules/${name}/.build-id/*/*.debug
\`\`\`

| addon | debug file |
|---|---|
${[...paths].map(([addon, path]) => `| \`${addon}\` | \`${path}\` |`).join('\n')}
`
}
