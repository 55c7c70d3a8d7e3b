// What is published: compiled to JavaScript.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { sumBytes } from '../workers/programs.ts'
import { start } from './command.ts'

test('the compiled library runs programs on compiled workers', async (t) => {
  const { index } = compilePackage()
  const folder = temporaryFolder(t)
  const program = join(folder, 'sum.wasm')
  const data = join(folder, 'data.bin')
  writeFileSync(program, sumBytes)
  writeFileSync(data, new Uint8Array(100_000).fill(3))
  const script = `
    import { readFileSync } from 'node:fs'
    import { HostRegion, runOnWorker } from ${JSON.stringify(index)}
    const region = HostRegion.mapFile(${JSON.stringify(data)})
    console.log(await runOnWorker(readFileSync(${JSON.stringify(program)}), region))`
  // Node lets no worker begin with a file under this option, which workers inherit unless told otherwise.
  const { stdout, stderr } = await start([process.execPath, '--input-type=module', '-e', script])
    .ended
  t.is(stdout, '300000n\n', stderr)
})
