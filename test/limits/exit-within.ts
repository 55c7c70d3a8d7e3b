// Run by timeout.test.ts: the process ends while a limit is watched, and passed.
import { runWithLimits } from 'v8-rawmem'
import { instantiate, spin } from './programs.ts'

let calls = 0
const exports = instantiate(() => (++calls === 1 ? 1 : process.exit(7)))
// Compiles.
exports.call()
process.on('exit', () => spin(700))
runWithLimits({ timeout: 500 }, exports.call)
