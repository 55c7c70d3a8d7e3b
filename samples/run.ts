// Runs a sample by the name of its folder: npm run sample scan -- --size 1GiB

import { existsSync, readdirSync } from 'node:fs'

const main = (name: string) => new URL(`./${name}/main.ts`, import.meta.url)
const names = readdirSync(new URL('.', import.meta.url)).filter((name) => existsSync(main(name)))

// The sample finds its own arguments where a program's begin.
const [name = ''] = process.argv.splice(2, 1)
const list = `${names.sort().join(', ')}. Such as: npm run sample scan`
if (names.includes(name)) {
  await import(main(name).href)
} else if (name === '--help' || name === '-h') {
  console.log(`Samples: ${list}\nEach has options: npm run sample scan -- --help`)
} else {
  const problem = name === '' ? 'A sample needs a name' : `There is no sample ${name}`
  console.error(`error: ${problem}; there are ${list}`)
  process.exitCode = 1
}
