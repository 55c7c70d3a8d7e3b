// Tries every feature of one backend, in this process, and prints what it found as JSON.
//
//   node --import ./build-scripts/typescript.js --conditions=v8-rawmem-source test/backends/outcomes.ts node-rewire

import type { BackendName } from 'v8-rawmem'
import { features, type Outcome, outcomeOf } from './conformance.ts'

const name = process.argv[2] as BackendName
const outcomes: Record<string, Outcome> = {}
for (const feature of features) {
  try {
    outcomes[feature.name] = await outcomeOf(name, feature)
  } catch (error) {
    console.error(`${name}, Node ${process.version}: ${feature.name}:`, error)
    process.exitCode = 1
  }
}
process.stdout.write(JSON.stringify(outcomes))
