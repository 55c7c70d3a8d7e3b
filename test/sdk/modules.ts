import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assemble } from '../../cli/assemble.ts'
import { binaryenText } from '../support/binaryen-text.ts'
import { accessesModule, largeModule } from './accesses.ts'
import { allocationsModule } from './allocations.ts'

const textFolder = join(import.meta.dirname, 'wat')
// What wabt cannot read: structs, arrays, and the types of functions.
const gcTextFolder = join(import.meta.dirname, 'wat-gc')

async function readTexts(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const file of (await readdir(folder)).sort()) {
    found.set(file.replace(/\.wat$/, ''), await readFile(join(folder, file), 'utf8'))
  }
  return found
}

async function texts(): Promise<Map<string, string>> {
  const found = await readTexts(textFolder)
  for (const [type, suffix] of [
    ['i32', '32'],
    ['i64', '64'],
  ] as const) {
    for (const index of [0, 1] as const) {
      found.set(`accesses${suffix}-${index}`, accessesModule(type, index))
    }
  }
  // More than --wasm-liftoff-min-code-size, 256 KiB.
  found.set('large', largeModule(found.get('spin')!, 300 * 1024))
  return found
}

/** Writes every module that the C++ tests use to `folder`, as `<name>.wasm`. */
export async function writeModules(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, text] of await texts()) {
    await writeFile(join(folder, `${name}.wasm`), assemble(`${name}.wat`, text))
  }
  const gcTexts = await readTexts(gcTextFolder)
  gcTexts.set('allocations', allocationsModule(100))
  for (const [name, text] of gcTexts) {
    await writeFile(join(folder, `${name}.wasm`), binaryenText(text))
  }
}
