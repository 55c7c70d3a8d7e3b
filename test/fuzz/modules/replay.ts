// One case of the corpus: node replay.ts <file> <backend> <tier>
import { readFileSync } from 'node:fs'
import { type BackendName, openBackend } from 'v8-rawmem'
import type { Case } from './case.ts'
import { difference } from './compare.ts'
import { optionsOf } from './subject.ts'

const [file, name, tier] = process.argv.slice(2)
const tested = JSON.parse(readFileSync(file!, 'utf8')) as Case
const found = difference(tested, openBackend(name as BackendName), optionsOf(tier!))
if (found !== undefined) {
  console.error(found)
  process.exitCode = 1
}
