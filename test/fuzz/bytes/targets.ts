import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { create } from 'tar'
import { deserializeModule, openBackend, WebAssembly as patched, serializeModule } from 'v8-rawmem'
import { download } from '../../../build-scripts/fetch/download.ts'
import { withUnpacked } from '../../../build-scripts/provenance/unpack.ts'
import { loadPin, lockName } from '../../../build-scripts/shared/pin.ts'
import { unpack } from '../../../cli/install/unpack.ts'
import { exportsName } from '../../../cli/program-file.ts'
import { AdvisedError } from '../../../terminal/advised-error.ts'
import type { Random } from '../../support/random.ts'
import { generate } from '../modules/generate.ts'
import { subjectProgram } from '../modules/program.ts'
import { terrains } from '../modules/terrain.ts'
import { hostileArchive, outsideFile } from './hostile-archive.ts'
import { mutate, mutateJson } from './mutate.ts'

const project = resolve(import.meta.dirname, '../../..')

/** Something that reads bytes from outside. */
export interface Target {
  /** Damaged bytes. */
  make(random: Random): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>
  /**
   * Has them read.
   *
   * @returns whether they were taken.
   * @throws {Error} if what happened is not what has to happen with damaged bytes.
   */
  read(bytes: Uint8Array<ArrayBuffer>, folder: string): boolean | Promise<boolean>
}

const own = Reflect.get(globalThis, 'WebAssembly') as typeof patched

/** Which of the errors that may come came; undefined if none. */
function refusal(read: () => unknown, ...allowed: (abstract new (...args: never) => Error)[]) {
  try {
    read()
    return undefined
  } catch (error) {
    if (allowed.some((type) => error instanceof type)) return error as Error
    throw error
  }
}

/** Making something whole takes far longer than damaging it: each one is damaged about twenty times. */
function reused<T>(make: (random: Random) => T): (random: Random) => T {
  let last: { readonly made: T } | undefined
  return (random) => {
    if (last === undefined || random.below(20) === 0) last = { made: make(random) }
    return last.made
  }
}

const wholeModule = reused(
  (random) =>
    subjectProgram(generate(random.below(2 ** 31), terrains.patched)) as Uint8Array<ArrayBuffer>,
)

const modules: Target = {
  make: (random) => mutate(wholeModule(random), random),
  read(bytes) {
    const error = refusal(() => new patched.Module(bytes), own.CompileError)
    if (patched.validate(bytes) !== (error === undefined)) {
      throw new Error(`validate() says the opposite of ${error}`)
    }
    exportsName(bytes, 'run')
    for (const name of ['node-rewire', 'node-raw'] as const) {
      const node = openBackend(name).WebAssembly
      const refused = refusal(() => new node.Module(bytes), own.CompileError)
      // What Node takes, its backends take: they rewrite some modules first.
      if (own.validate(bytes) !== (refused === undefined)) {
        throw new Error(`${name} says ${refused}, Node's own validate() the opposite`)
      }
    }
    return error === undefined
  },
}

const wholeCache = reused((random) => {
  const bytes = wholeModule(random)
  return { bytes, cache: serializeModule(new patched.Module(bytes)) }
})

/** A cache and the module it belongs to, and how many bytes it has. */
const caches: Target = {
  make(random) {
    const { bytes, cache } = wholeCache(random)
    const [damagedCache, damagedBytes] =
      random.below(3) === 0 ? [cache, mutate(bytes, random)] : [mutate(cache, random), bytes]
    const whole = new Uint8Array(4 + damagedCache.length + damagedBytes.length)
    new DataView(whole.buffer).setUint32(0, damagedCache.length)
    whole.set(damagedCache, 4)
    whole.set(damagedBytes, 4 + damagedCache.length)
    return whole
  },
  read(whole) {
    const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0)
    const cache = whole.subarray(4, 4 + length)
    const bytes = whole.subarray(4 + length)
    return refusal(() => deserializeModule(cache, bytes), TypeError, own.CompileError) === undefined
  },
}

const locks: Target = {
  make(random) {
    const text = mutateJson(readFileSync(join(project, lockName), 'utf8'), random)
    return Uint8Array.from(Buffer.from(text, 'latin1'))
  },
  async read(bytes, folder) {
    writeFileSync(join(folder, lockName), bytes)
    return await taken(async () => await loadPin(folder), AdvisedError)
  },
}

const content = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7919) >> 3))
const expected = {
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
}

/** Whatever an earlier run left, the whole file is right or there is none. */
const parts: Target = {
  make: (random) => mutate(content.subarray(0, random.below(content.length + 1)), random),
  async read(bytes, folder) {
    const [source, target] = [join(folder, 'source'), join(folder, 'target')]
    writeFileSync(source, content)
    writeFileSync(`${target}.part`, bytes)
    rmSync(target, { force: true })
    const get = () => download(pathToFileURL(source), target, expected)
    const isTaken = await taken(get, AdvisedError)
    if (isTaken !== existsSync(target)) throw new Error('there is a file that was not taken')
    if (isTaken && !content.equals(readFileSync(target))) throw new Error('the file is not right')
    // What is wrong is dropped, so that the next run succeeds.
    if (!isTaken && !(await taken(get, AdvisedError))) throw new Error('the damage stays')
    return isTaken
  },
}

const wholeArchive = reused(async (random) => {
  const folder = join(project, 'test/fuzz')
  const options = { cwd: folder, gzip: random.below(2) === 0, portable: true, prefix: 'package' }
  return await buffer(create(options, ['kind.ts', 'kinds.ts', 'bytes']))
})

/** What lies below a folder, but for one folder of it, and what is in the files. */
function treeOf(folder: string, except: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (path === except) return []
    if (entry.isDirectory()) return [path, ...treeOf(path, except)]
    return [entry.isFile() ? `${path}: ${readFileSync(path)}` : path]
  })
}

/** Nothing is written outside of the folder. */
const archives: Target = {
  async make(random) {
    if (random.below(2) === 0) return hostileArchive(random)
    return mutate(await wholeArchive(random), random)
  },
  async read(bytes, folder) {
    // Eight links of four steps up each end within the tree.
    const deep = join(folder, 'tree', 'd/'.repeat(32))
    const inside = join(deep, 'inside')
    mkdirSync(inside, { recursive: true })
    writeFileSync(join(deep, 'b'), 'as it was')
    rmSync(outsideFile, { recursive: true, force: true })
    const archive = join(folder, 'archive.tgz')
    writeFileSync(archive, bytes)
    const before = treeOf(folder, inside)
    const { TMPDIR } = process.env
    try {
      // withUnpacked() makes its folder there.
      process.env.TMPDIR = deep
      const isTaken = await taken(() => unpack(bytes, inside), Error)
      await taken(() => withUnpacked(archive, async () => {}), AdvisedError)
      const outside = treeOf(folder, inside).filter((entry) => !before.includes(entry))
      if (existsSync(outsideFile)) outside.push(outsideFile)
      if (outside.length > 0) throw new Error(`unpacking wrote ${outside}`)
      return isTaken
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = TMPDIR
      rmSync(outsideFile, { recursive: true, force: true })
    }
  },
}

async function taken(
  read: () => Promise<unknown>,
  allowed: abstract new (...args: never) => Error,
): Promise<boolean> {
  try {
    await read()
    return true
  } catch (error) {
    if (error instanceof allowed) return false
    throw error
  }
}

export const targets: Readonly<Record<string, Target>> = {
  modules,
  caches,
  locks,
  parts,
  archives,
}
