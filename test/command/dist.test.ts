// The command, and with it the workers, as they are published: compiled to JavaScript, without tsx.

import { execFileSync } from 'node:child_process'
import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { temporaryFolder } from '../region/temporary-file.ts'
import { sumBytes } from '../workers/programs.ts'
import { start } from './command.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

test('the compiled command and the compiled library run programs on compiled workers', async (t) => {
  const folder = temporaryFolder(t)
  const at = (name: string) => join(folder, name)
  execFileSync(
    process.execPath,
    [
      join(repository, 'node_modules/typescript/bin/tsc'),
      ...['-p', join(repository, 'tsconfig.build.json'), '--outDir', at('dist')],
    ],
    { cwd: repository },
  )
  cpSync(join(repository, 'package.json'), at('package.json'))
  symlinkSync(join(repository, 'prebuilds'), at('prebuilds'))
  symlinkSync(join(repository, 'node_modules'), at('node_modules'))
  writeFileSync(at('sum.wasm'), sumBytes)
  writeFileSync(at('data.bin'), new Uint8Array(100_000).fill(3))
  const { exitCode, stdout, stderr } = await start([
    ...[process.execPath, at('dist/command/main.js'), 'run', at('sum.wasm')],
    ...['--map', at('data.bin'), '--parallel', '2', '--record-bytes', '10', '--merge', 'sum'],
  ]).ended
  t.is(exitCode, 0, stderr)
  t.is(stdout, '300000\n')
  t.regex(stderr, /2 workers/)

  // Node lets no worker begin with a file under this option, which workers inherit unless told otherwise.
  const script = `
    import { readFileSync } from 'node:fs'
    import { HostRegion, runOnWorker } from ${JSON.stringify(at('dist/index.js'))}
    const region = HostRegion.mapFile(${JSON.stringify(at('data.bin'))})
    console.log(await runOnWorker(readFileSync(${JSON.stringify(at('sum.wasm'))}), region))`
  const evaluated = await start([process.execPath, '--input-type=module', '-e', script]).ended
  t.is(evaluated.stdout, '300000n\n', evaluated.stderr)
})
