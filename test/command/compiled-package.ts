import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface CompiledPackage {
  /** URL of the module that users import. */
  readonly index: string
  /** Runs the command. */
  readonly command: readonly string[]
  remove(): void
}

/** The package as it is published, compiled to JavaScript in a folder of its own: nothing of it needs tsx. */
export function compilePackage(): CompiledPackage {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-package-'))
  const at = (name: string) => join(folder, name)
  const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc')
  const project = join(repository, 'tsconfig.build.json')
  execFileSync(process.execPath, [compiler, '-p', project, '--outDir', at('dist')], {
    cwd: repository,
  })
  cpSync(join(repository, 'package.json'), at('package.json'))
  symlinkSync(join(repository, 'node_modules'), at('node_modules'))
  return {
    index: at('dist/index.js'),
    command: [process.execPath, at('dist/command/main.js')],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
