import test from 'ava'
import { backends, openBackend, parallelScan, runOnWorker } from 'v8-rawmem'
import { mappingOf } from '../region/mapped-bytes.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { endlessInPage, sumBytes, sumBytesInPage } from './programs.ts'

const content = patternBytes(5 * 65536 + 1000).map((byte) => byte % 255)
const total = content.reduce((sum, byte) => sum + BigInt(byte), 0n)

for (const { name, available, reason } of backends()) {
  test(`programs run on worker threads on the backend ${name}`, async (t) => {
    if (!available) {
      t.log(`not available here: ${reason}`)
      t.throws(() => openBackend(name), { message: /not available/ })
      return
    }
    const { HostRegion } = openBackend(name)
    // This backend maps windows into the memory that there is; the others take any window for an empty memory.
    const program = name === 'node-rewire' ? sumBytesInPage : sumBytes
    using allocated = HostRegion.allocate(content.length)
    allocated.view(Uint8Array).set(content)
    using mapped = HostRegion.mapFile(temporaryFile(t, content))
    for (const region of [allocated, mapped]) {
      const seen: unknown[] = []
      const options = {
        backend: name,
        windowSize: 65536,
        onProgress: (progress: object) => seen.push(progress),
      }
      t.is(await runOnWorker<bigint>(program, region, options), total)
      t.deepEqual(seen.at(-1), {
        position: content.length,
        byteLength: content.length,
        windows: 6,
      })
      const merged = await parallelScan(program, region, {
        ...options,
        workers: 2,
        merge: (sums: bigint[]) => sums[0]! + sums[1]!,
      })
      t.is(merged, total)
    }
    const path = temporaryFile(t, content)
    const region = HostRegion.mapFile(path)
    const controller = new AbortController()
    const endless = runOnWorker(endlessInPage, region, {
      backend: name,
      windowSize: 65536,
      signal: controller.signal,
      onProgress: () => controller.abort('enough'),
    })
    t.is(await endless.catch((error) => error), 'enough')
    region.close()
    t.falsy(mappingOf(path))
  })
}
