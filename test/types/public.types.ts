// What the compiler has to make of the public types, looked at by "npm run lint". Nothing here is run.

import { expectTypeOf } from 'expect-type'
import {
  type Backend,
  type BackendName,
  backends,
  ChunkFeeder,
  HostRegion,
  inspector,
  openBackend,
  parallelScan,
  runOnWorker,
  runWithLimits,
  setWasmInstanceRawMemory,
  startCpuProfile,
  version,
  WebAssembly,
  wasi,
} from 'v8-rawmem'

const bytes = new Uint8Array()
const region = HostRegion.allocate(1024)

expectTypeOf(runWithLimits({ timeout: 1 }, (a: number) => `${a}`, 1)).toEqualTypeOf<string>()
expectTypeOf(version).toExtend<{ readonly package: string; readonly v8: string }>()
expectTypeOf(HostRegion.mapFile).parameter(0).toEqualTypeOf<string | Buffer | URL>()
expectTypeOf(region).toExtend<HostRegion>()
expectTypeOf(region.buffer).toEqualTypeOf<ArrayBuffer>()
expectTypeOf(HostRegion.from(new SharedArrayBuffer(8)).buffer).toEqualTypeOf<SharedArrayBuffer>()
expectTypeOf(region.subarray(0, 8)).toExtend<HostRegion>()

expectTypeOf(new ChunkFeeder(region).next).returns.toEqualTypeOf<number | bigint>()
expectTypeOf<ChunkFeeder>().toExtend<Disposable>()
expectTypeOf<HostRegion>().toExtend<Disposable>()

const { instance, module } = await WebAssembly.instantiate(bytes)
expectTypeOf(instance).toEqualTypeOf<WebAssembly.Instance>()
expectTypeOf(module).toEqualTypeOf<WebAssembly.Module>()
expectTypeOf(await WebAssembly.instantiate(module)).toEqualTypeOf<WebAssembly.Instance>()
expectTypeOf(setWasmInstanceRawMemory).parameter(1).toEqualTypeOf<HostRegion | null>()

expectTypeOf(openBackend()).toEqualTypeOf<Backend>()
expectTypeOf<BackendName>().toEqualTypeOf<'patched' | 'node-raw' | 'node-rewire'>()
expectTypeOf(backends()).items.toHaveProperty('reason').toEqualTypeOf<string>()
expectTypeOf(runOnWorker(bytes, region)).resolves.not.toBeAny()
expectTypeOf(parallelScan(bytes, region)).resolves.toBeArray()

expectTypeOf(startCpuProfile()).toExtend<Disposable>()
expectTypeOf(startCpuProfile().stop()).toEqualTypeOf<string>()
expectTypeOf(inspector.open()).toEqualTypeOf<Disposable>()
expectTypeOf(inspector.url()).toEqualTypeOf<string | undefined>()

// @ts-expect-error there is no such backend
openBackend('node')
// @ts-expect-error a region is not constructed
new HostRegion(1024)
// @ts-expect-error a feeder feeds a region
new ChunkFeeder(bytes)
// @ts-expect-error an instance of Node's own WebAssembly is not one of this package's
setWasmInstanceRawMemory(new globalThis.WebAssembly.Instance(undefined as never), region)
// @ts-expect-error windows have a size in bytes
new ChunkFeeder(region, { windowSize: '64KiB' })
// @ts-expect-error what is mapped is a file
HostRegion.mapFile(42)
// @ts-expect-error the version is not to be changed
version.package = '2.0.0'

expectTypeOf(
  wasi({ args: ['a'], stdout: (part) => part.length }).start(instance),
).toEqualTypeOf<number>()
expectTypeOf(runOnWorker(bytes, [region, null], { wasi: { stdout: 1 } })).resolves.not.toBeAny()
