import assert from 'node:assert/strict'
import { join } from 'node:path'
import { sumBytes } from '../workers/programs.ts'
import type { Project } from './project.ts'

const data = new Uint8Array(300_000).map((_, at) => at % 251)
const sum = data.reduce((total, byte) => total + byte, 0)

const steps = `
const region = HostRegion.mapFile('data.bin')
const feeder = new ChunkFeeder(region, { windowSize: 65_536 })
WebAssembly.instantiate(readFileSync('sum.wasm'), { env: { next: feeder.next } }).then(({ instance }) => {
  console.log(String(instance.exports.run()), feeder.windows)
  feeder.close()
  region.close()
})
`

const typedSteps = `
const region: HostRegion = HostRegion.mapFile('data.bin')
const feeder: ChunkFeeder = new ChunkFeeder(region, { windowSize: 65_536 })
WebAssembly.instantiate(readFileSync('sum.wasm'), { env: { next: feeder.next } }).then(({ instance }) => {
  const run = instance.exports.run as () => bigint
  const sum: bigint = run()
  console.log(String(sum), feeder.windows)
  feeder.close()
  region.close()
})
`

/** Programs that sum a file's bytes in WebAssembly, window by window, by their file names. */
export const programs = {
  'sum.mjs': `import { readFileSync } from 'node:fs'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
${steps}`,
  'sum.cjs': `const { readFileSync } = require('node:fs')
const { ChunkFeeder, HostRegion, WebAssembly } = require('v8-rawmem')
${steps}`,
  'import.mts': `import { readFileSync } from 'node:fs'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
${typedSteps}`,
  'require.cts': `import { readFileSync } from 'node:fs'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
${typedSteps}`,
  'import-require.cts': `import fs = require('node:fs')
import rawmem = require('v8-rawmem')
const { readFileSync } = fs
const { ChunkFeeder, HostRegion, WebAssembly } = rawmem
type ChunkFeeder = rawmem.ChunkFeeder
type HostRegion = rawmem.HostRegion
${typedSteps}`,
  'dynamic-import.cts': `import fs = require('node:fs')
import type { ChunkFeeder as Feeder, HostRegion as Region } from 'v8-rawmem' with { 'resolution-mode': 'import' }
const { readFileSync } = fs
void import('v8-rawmem').then(({ ChunkFeeder, HostRegion, WebAssembly }) => {
${typedSteps.replaceAll(/: (HostRegion|ChunkFeeder) =/g, (_, name) => (name === 'HostRegion' ? ': Region =' : ': Feeder ='))}
})
`,
} as const

export type Program = keyof typeof programs

/** Puts the programs and what they need into a project. */
export async function writePrograms(project: Project, names: readonly Program[]): Promise<void> {
  await project.write('sum.wasm', sumBytes)
  await project.write('data.bin', data)
  for (const name of names) await project.write(name, programs[name])
}

export async function requireRuns(
  project: Project,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  assert.equal(await project.run(command, env), `${sum} ${Math.ceil(data.length / 65_536)}`)
}

/** The package works in that project: by import, by require, and by its command. */
export async function requireWorks(project: Project): Promise<void> {
  await writePrograms(project, ['sum.mjs', 'sum.cjs'])
  await requireRuns(project, ['node', 'sum.mjs'])
  await requireRuns(project, ['node', 'sum.cjs'])
  await requireCommand(project, [join('node_modules', '.bin', 'v8-rawmem')])
}

/** The command sums the same file. */
export async function requireCommand(project: Project, command: readonly string[]): Promise<void> {
  const args = ['run', 'sum.wasm', '--map', 'data.bin', '--window', '64KiB']
  assert.equal(await project.run([...command, ...args]), String(sum))
}
