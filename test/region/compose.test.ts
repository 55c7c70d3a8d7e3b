import { writeFileSync } from 'node:fs'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'

const page = 4096
const shareable = { shareable: true }

test('parts of memory and of files become one region over the same pages', (t) => {
  const path = temporaryFile(t, patternBytes(4 * page))
  const memory = HostRegion.allocate(2 * page, shareable)
  const file = HostRegion.mapFile(path, shareable)
  const written = HostRegion.mapFile(path, { ...shareable, writable: true })
  using region = HostRegion.compose([
    { region: file.subarray(page, 3 * page), at: 4 * page },
    { region: memory, at: 0 },
    { region: written.subarray(0, page), at: 2 * page },
  ])
  t.is(region.byteLength, 6 * page)
  const bytes = region.view(Uint8Array)
  t.deepEqual(bytes.slice(4 * page, 6 * page), patternBytes(4 * page).slice(page, 3 * page))
  memory.view(Uint8Array)[page] = 9
  t.is(bytes[page], 9)
  bytes[2 * page] = 33
  t.is(written.view(Uint8Array)[0], 33)
  for (const part of [memory, file, written]) part.close()
  t.is(bytes[page], 9, 'the parts may go')
})

test('the length may reach beyond the last part', (t) => {
  const part = HostRegion.allocate(page, shareable)
  using region = HostRegion.compose([{ region: part, at: page }], { byteLength: 2 ** 34 + 5 })
  t.is(region.byteLength, 2 ** 34 + 5)
  t.is(region.view(Uint8Array, page, 1)[0], 0)
  t.is(region.damaged, undefined)
  t.is(region.view(Uint8Array, 0, 1)[0], 0, 'JavaScript reads zeros in a hole')
  t.deepEqual(region.damaged, { byteOffset: 0 })
  using nothing = HostRegion.compose([])
  t.is(nothing.byteLength, 0)
})

test('what does not fit is refused', (t) => {
  const part = HostRegion.allocate(2 * page, shareable)
  const at = (place: unknown, region: unknown = part) => ({ region, at: place }) as never
  const refused = (parts: never[], message: RegExp, instanceOf: unknown = RangeError) =>
    t.throws(() => HostRegion.compose(parts), { instanceOf: instanceOf as never, message })
  refused([at(0), at(page)], /^compose: parts\[1\] begins at 4096, within parts\[0\]$/)
  refused([at(1)], /must be whole pages of 4096 bytes; got 8192 bytes from 0 .* at 1$/)
  refused([at(0, part.subarray(1))], /whole pages/)
  refused([at(0, part.subarray(0, 5))], /whole pages/)
  refused([at(-1)], /^compose: parts\[0\]\.at must be an integer/)
  refused([at(0, {})], /^compose: parts\[0\]\.region must be a HostRegion/, TypeError)
  refused([at(0, HostRegion.allocate(page))], /make it with \{ shareable: true \}/, TypeError)
  refused([at(0, HostRegion.from(new ArrayBuffer(page)))], /shareable/, TypeError)
  t.throws(() => HostRegion.compose([at(0)], { byteLength: page }), {
    message: /^compose: options\.byteLength must be an integer from 8192/,
  })
  const path = temporaryFile(t, patternBytes(page))
  writeFileSync(path, patternBytes(page))
  const file = HostRegion.mapFile(path, shareable)
  file.view(Uint8Array)[0] = 1
  refused([at(0, file)], /may have been stored into/, TypeError)
})
