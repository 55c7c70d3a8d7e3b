import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import {
  compileMalloc,
  heapBase,
  type MallocExports,
} from '../../samples/allocator/compile-malloc.ts'
import { runScript } from '../support/run-script.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const sample = new URL('../../samples/allocator/main.ts', import.meta.url)

test.serial('a heap in a file is gone on with by the next run', async (t) => {
  const heap = join(temporaryFolder(t), 'groups.heap')
  const args = ['--heap', heap, '--rows', '100000', '--groups', '1000', '--size', '2MiB']
  const first = await runScript(sample, { args })
  t.is(first.exitCode, 0, first.stderr)
  t.regex(first.stdout, /^Heap {7}2\.00 MiB of a mapped file; new$/m)
  t.regex(first.stdout, /^Grouped {4}100,000 rows in .* 1,000 groups, read by the host at/m)
  t.regex(first.stdout, /^Verified/m)
  t.regex(first.stdout, /malloc returned 0; grow\(\) of a memory of the host: RangeError$/m)
  t.regex(first.stdout, /^Resumed/m)

  const second = await runScript(sample, { args })
  t.is(second.exitCode, 0, second.stderr)
  t.regex(second.stdout, /an earlier run left 100,000 rows in 1,000 groups$/m)
  t.regex(second.stdout, /^Verified/m)

  // What the two modules have built, read from the file by nobody's help.
  const { buffer, byteOffset, byteLength } = readFileSync(heap)
  const memory = new DataView(buffer, byteOffset, byteLength)
  const word = (address: number) => memory.getUint32(address, true)
  const table = word(4)
  let groups = 0
  let rows = 0n
  for (let bucket = 0; bucket <= word(table + 4); bucket++) {
    for (let group = word(word(table + 8) + 4 * bucket); group !== 0; group = word(group)) {
      groups++
      rows += memory.getBigInt64(group + 8, true)
    }
  }
  t.is(groups, 1000)
  t.is(word(table), 1000)
  t.is(rows, 200_000n)

  // As if the program had been killed while it added rows.
  const bytes = readFileSync(heap)
  bytes.writeUInt32LE(1, 16)
  writeFileSync(heap, bytes)
  const third = await runScript(sample, { args })
  t.is(third.exitCode, 1)
  t.regex(third.stderr, /^error: .*groups\.heap is half written, a run was interrupted; remove/m)
})

test.serial('a full heap is an error that says so, and nothing is left behind', async (t) => {
  const folder = temporaryFolder(t)
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '1MiB'],
    env: { TMPDIR: folder },
  })
  t.is(exitCode, 1)
  t.regex(stderr, /^error: The heap is full after [\d,]+ rows; choose a larger --size, or fewer/m)
  t.notRegex(stdout, /Verified/)
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('v8-rawmem')),
    [],
  )
})

test.serial('a file that is no heap is left alone', async (t) => {
  const path = join(temporaryFolder(t), 'notes.txt')
  const content = 'not a heap\n'.repeat(200_000)
  writeFileSync(path, content)
  const { exitCode, stderr } = await runScript(sample, { args: ['--heap', path] })
  t.is(exitCode, 1)
  t.regex(stderr, /^error: .*notes\.txt has no heap of this sample; name another file$/m)
  t.is(readFileSync(path, 'utf8'), content)
})

test('malloc: aligned, apart, 0 when there is no room, and whole again after free', async (t) => {
  using region = HostRegion.allocate(2 ** 20)
  const memory = new WebAssembly.Memory({ host: region, initial: 1 })
  const { instance } = await WebAssembly.instantiate(await compileMalloc(), { env: { memory } })
  const { format, malloc, free, resume } = instance.exports as unknown as MallocExports
  format()
  const blocks: [address: number, size: number][] = []
  for (let size = 1; ; size = ((size * 7) % 1000) + 1) {
    const address = malloc(size)
    if (address === 0) break
    blocks.push([address, size])
  }
  t.true(blocks.length > 1000)
  blocks.sort(([a], [b]) => a - b)
  t.true(blocks[0]![0] >= heapBase)
  blocks.forEach(([address, size], i) => {
    t.is(address % 16, 0)
    const end = blocks[i + 1]?.[0] ?? region.byteLength
    t.true(address + size <= end)
  })
  for (const size of [2 ** 20, 2 ** 30, 2 ** 31, 2 ** 32 - 1]) t.is(malloc(size), 0)
  blocks.forEach(([address], i) => {
    if (i % 2 === 0) free(address)
  })
  t.is(malloc(2 ** 18), 0)
  blocks.forEach(([address], i) => {
    if (i % 2 === 1) free(address)
  })
  free(0)
  resume()
  t.not(malloc(2 ** 20 - 2 ** 16), 0)
  memory.attach(null)
})
