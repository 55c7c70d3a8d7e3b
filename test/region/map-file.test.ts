import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { aligned } from '../support/alignment.ts'
import { patternBytes, temporaryFile, temporaryFolder } from '../support/temporary-file.ts'
import { mappingOf } from './mapped-bytes.ts'

const content = patternBytes(20_001)

test('a whole file, to its last byte', (t) => {
  using region = HostRegion.mapFile(temporaryFile(t, content))
  t.is(region.byteLength, content.length)
  t.deepEqual(region.view(Uint8Array), content)
})

test('the path may be a Buffer or a URL', (t) => {
  const path = temporaryFile(t, 'bytes')
  for (const form of [Buffer.from(path), pathToFileURL(path)]) {
    using region = HostRegion.mapFile(form)
    t.is(Buffer.from(region.buffer).toString(), 'bytes')
  }
})

for (const [offset, length] of [
  [0, 1],
  [1, 1],
  [4095, 2],
  [4096, 4096],
  [4097, 8191],
  [12_345, 7656],
  [20_000, 1],
  [20_001, 0],
  [5, 0],
] as const) {
  test(`${length} bytes from offset ${offset}`, (t) => {
    using region = HostRegion.mapFile(temporaryFile(t, content), { offset, length })
    t.is(region.byteLength, length)
    if (length === 0 || aligned(offset) === offset) {
      t.deepEqual(region.view(Uint8Array), content.slice(offset, offset + length))
    } else {
      t.throws(() => region.view(Uint8Array), { instanceOf: RangeError, message: /multiple of 8/ })
    }
  })
}

test('without a length the region reaches to the end of the file', (t) => {
  const offset = aligned(19_990)
  using region = HostRegion.mapFile(temporaryFile(t, content), { offset })
  t.deepEqual(region.view(Uint8Array), content.slice(offset))
})

test('by default stores stay in the region, the file is as it was', (t) => {
  const path = temporaryFile(t, content)
  chmodSync(path, 0o444)
  using region = HostRegion.mapFile(path)
  using other = HostRegion.mapFile(path)
  const bytes = region.view(Uint8Array)
  bytes.fill(0xee)
  t.true(bytes.every((byte) => byte === 0xee))
  t.deepEqual(other.view(Uint8Array), content)
  region.close()
  t.deepEqual(new Uint8Array(readFileSync(path)), content)
})

test('writable: stores go into the file, and only the mapped part of it', (t) => {
  const path = temporaryFile(t, content)
  const offset = aligned(4099)
  using region = HostRegion.mapFile(path, { writable: true, offset, length: 10 })
  region.view(Uint8Array).fill(0xee)
  const expected = content.slice()
  expected.fill(0xee, offset, offset + 10)
  t.deepEqual(new Uint8Array(readFileSync(path)), expected)
})

test('writable: what others write is seen', (t) => {
  const path = temporaryFile(t, content)
  using region = HostRegion.mapFile(path, { writable: true })
  using other = HostRegion.mapFile(path, { writable: true })
  other.view(Uint8Array)[9000] = 77
  t.is(region.view(Uint8Array)[9000], 77)
})

test('a sparse file of 1 TiB', (t) => {
  const path = temporaryFile(t, '')
  truncateSync(path, 2 ** 40)
  using region = HostRegion.mapFile(path)
  t.is(region.byteLength, 2 ** 40)
  t.is(region.subarray(-1).view(Uint8Array)[0], 0)
  region.subarray(-1).view(Uint8Array)[0] = 1
  t.is(region.subarray(2 ** 40 - 1).view(Uint8Array)[0], 1)
})

test('an empty file is an empty region', (t) => {
  for (const writable of [false, true]) {
    using region = HostRegion.mapFile(temporaryFile(t, ''), { writable })
    t.is(region.byteLength, 0)
    t.is(region.buffer.byteLength, 0)
  }
})

test('no file descriptor stays open, and no mapping after close()', (t) => {
  const path = temporaryFile(t, content)
  const opened = () =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path
      } catch {
        // Closed since, like the one of the listing itself.
        return false
      }
    })
  const region = HostRegion.mapFile(path)
  t.false(opened())
  t.truthy(mappingOf(path))
  region.close()
  t.falsy(mappingOf(path))
  t.throws(() => HostRegion.mapFile(path, { offset: 20_002 }))
  t.false(opened())
})

test('a file that is not there', (t) => {
  const path = join(temporaryFolder(t), 'absent')
  const error = t.throws<NodeJS.ErrnoException>(() => HostRegion.mapFile(path))
  t.is(error.code, 'ENOENT')
  t.is(error.syscall, 'open')
  t.is(error.path, path)
  t.is(error.errno, -2)
})

test('a folder', (t) => {
  const path = temporaryFolder(t)
  mkdirSync(join(path, 'inner'))
  const error = t.throws<NodeJS.ErrnoException>(() => HostRegion.mapFile(path))
  t.is(error.code, 'EISDIR')
  t.is(error.syscall, 'mmap')
  t.is(error.path, path)
  t.true(error.message.startsWith('EISDIR: '))
})

test('a pipe or device is no file, and is not waited for', (t) => {
  const pipe = join(temporaryFolder(t), 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, '/dev/null']) {
    t.throws(() => HostRegion.mapFile(path), {
      code: 'ENODEV',
      message: `ENODEV: not a regular file, mmap '${path}'`,
    })
  }
})

test('a file that may not be written', async (t) => {
  const path = temporaryFile(t, content)
  chmodSync(path, 0o444)
  if (process.getuid?.() === 0) {
    // Root may write to any file but a running program. Node may be run by an emulator.
    const program = join(temporaryFolder(t), 'sleep')
    copyFileSync(execFileSync('which', ['sleep'], { encoding: 'utf8' }).trim(), program)
    const running = spawn(program, ['60'])
    t.teardown(() => running.kill())
    await once(running, 'spawn')
    t.throws(() => HostRegion.mapFile(program, { writable: true }), {
      code: 'ETXTBSY',
      message: /open/,
    })
  } else {
    t.throws(() => HostRegion.mapFile(path, { writable: true }), { code: 'EACCES' })
  }
})

for (const [options, message] of [
  [{ offset: -1 }, 'mapFile: options.offset must be an integer from 0 to 20001; got -1'],
  [{ offset: 20_002 }, 'mapFile: options.offset must be an integer from 0 to 20001; got 20002'],
  [{ offset: 0.5 }, 'mapFile: options.offset must be an integer from 0 to 20001; got 0.5'],
  [
    { offset: 2 ** 53 },
    'mapFile: options.offset must be an integer from 0 to 20001; got 9007199254740992',
  ],
  [{ length: 20_002 }, 'mapFile: options.length must be an integer from 0 to 20001; got 20002'],
  [{ offset: 20_000, length: 2 }, 'mapFile: options.length must be an integer from 0 to 1; got 2'],
  [{ length: -1 }, 'mapFile: options.length must be an integer from 0 to 20001; got -1'],
  [{ length: Number.NaN }, 'mapFile: options.length must be an integer from 0 to 20001; got NaN'],
] as const) {
  test(`out of range: ${JSON.stringify(options)} ${message.slice(-5)}`, (t) => {
    const path = temporaryFile(t, content)
    t.throws(() => HostRegion.mapFile(path, options), { instanceOf: RangeError, message })
  })
}

test('arguments of the wrong type', (t) => {
  const path = temporaryFile(t, content)
  const refused = (path: unknown, options?: unknown) =>
    t.throws(() => HostRegion.mapFile(path as string, options as object), {
      instanceOf: TypeError,
    }).message
  t.regex(refused(undefined), /"path"/)
  t.regex(refused(3), /"path"/)
  t.regex(refused('a\0b'), /null bytes/)
  t.is(refused(path, 5), 'mapFile: options must be an object; got 5')
  t.is(refused(path, null), 'mapFile: options must be an object; got null')
  t.is(refused(path, { writable: 1 }), 'mapFile: options.writable must be a boolean; got 1')
  t.is(
    refused(path, { offset: 1n }),
    'mapFile: options.offset must be a number, an integer from 0 to 20001; got 1n',
  )
  t.is(
    refused(path, { length: '8' }),
    "mapFile: options.length must be a number, an integer from 0 to 20001; got '8'",
  )
  writeFileSync(path, '')
  t.regex(refused(path, { offset: '0' }), /from 0 to 0/)
})
