import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../build-scripts/bundle.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface CompiledPackage {
  /** The folder with the JavaScript. */
  readonly dist: string
  /** The module that users import. */
  readonly index: string
  /** Runs the command. */
  readonly command: readonly string[]
}

let compiled: CompiledPackage | undefined

/** The package as it is published, compiled to JavaScript, once for all tests of a file. */
export function compilePackage(): CompiledPackage {
  compiled ??= compile()
  return compiled
}

function compile(): CompiledPackage {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-compiled-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const dist = join(folder, 'dist')
  bundle(dist)
  cpSync(join(repository, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
  return {
    dist,
    index: join(dist, 'bindings', 'index.js'),
    command: [process.execPath, join(dist, 'cli', 'main.js')],
  }
}
