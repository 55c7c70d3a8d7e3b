import test from 'ava'
import { ChunkFeeder, type ChunkFeederOptions, HostRegion, WebAssembly } from 'v8-rawmem'
import { collectGarbage, collectUntil } from '../support/collect-garbage.ts'
import { stepper } from './programs.ts'

const MiB = 2 ** 20

const registry = new FinalizationRegistry<() => void>((collected) => collected())

/** The usual cycle: the instance imports the feeder, which knows the instance. */
function cyclic(options: ChunkFeederOptions = {}, byteLength = MiB) {
  const region = HostRegion.allocate(byteLength)
  region.view(Uint8Array)[0] = 11
  const feeder = new ChunkFeeder(region, {
    onProgress: () => void [feeder, instance],
    ...options,
  })
  const instance = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  return { region, feeder, instance }
}

test.serial('a feeder, its instance and its region are collected together', async (t) => {
  let feeders = 0
  let instances = 0
  let regions = 0
  const count = 60
  for (let i = 0; i < count; ++i) {
    const { region, feeder, instance } = cyclic()
    // Half of them with a window mapped.
    if (i % 2 === 0) t.is(instance.exports.step(), MiB)
    registry.register(region, () => ++regions)
    registry.register(feeder, () => ++feeders)
    registry.register(instance, () => ++instances)
  }
  t.true(
    await collectUntil(() => Math.min(feeders, instances, regions) >= count - 5),
    `${feeders}, ${instances} and ${regions} of ${count} collected`,
  )
})

test.serial('feeders that a function of JavaScript calls are collected, too', async (t) => {
  let collected = 0
  const calling = () => {
    const feeder = new ChunkFeeder(HostRegion.allocate(MiB))
    const instance: WebAssembly.Instance = new WebAssembly.Instance(stepper(), {
      env: { next: () => (instance.exports === undefined ? 0 : feeder.next()) },
    })
    feeder.bind(instance)
    instance.exports.step()
    return feeder
  }
  for (let i = 0; i < 40; ++i) registry.register(calling(), () => ++collected)
  t.true(await collectUntil(() => collected >= 36), `${collected} of 40 collected`)
})

test.serial('memory stays bounded over thousands of feeders', async (t) => {
  const round = async (count: number) => {
    for (let i = 0; i < count; ++i) {
      cyclic({}, 64 * 1024).instance.exports.step()
      if (i % 100 === 0) await collectGarbage()
    }
    await collectGarbage()
  }
  await round(300)
  const before = process.memoryUsage().rss
  await round(2500)
  const growth = process.memoryUsage().rss - before
  t.true(growth < 150 * MiB, `grew by ${Math.round(growth / MiB)} MiB`)
})

test.serial('an exported function alone keeps feeder and region', async (t) => {
  const { step, load } = cyclic({ windowSize: MiB / 2 }).instance.exports
  step()
  await collectGarbage()
  t.is(load(0), 11)
  t.is(step(), MiB / 2)
  t.is(step(), 0)
})

test.serial('next alone keeps the feeder, the region and the bound instance', async (t) => {
  const { next } = cyclic({ windowSize: MiB / 4 }).feeder
  await collectGarbage()
  t.is(next(), MiB / 4)
  await collectGarbage()
  t.is(next(), MiB / 4)
})

test.serial('a window stays mapped when everyone else has forgotten the feeder', async (t) => {
  const { load } = (() => {
    const instance = new WebAssembly.Instance(stepper(), { env: { next: () => 0 } })
    const feeder = new ChunkFeeder(HostRegion.from(new Uint8Array(MiB).fill(44)))
    feeder.bind(instance)
    feeder.next()
    return instance.exports
  })()
  await collectGarbage()
  for (let i = 0; i < 100; ++i) new Uint8Array(MiB).fill(1)
  await collectGarbage()
  t.is(load(MiB - 1), 44)
})

test.serial('a feeder that is not bound does not keep its last instance', async (t) => {
  const feeders: ChunkFeeder[] = []
  let collected = 0
  for (let i = 0; i < 30; ++i) {
    const { feeder, instance } = cyclic({ onProgress: () => {} })
    instance.exports.step()
    feeder.bind(null)
    registry.register(instance, () => ++collected)
    feeders.push(feeder)
  }
  t.true(await collectUntil(() => collected >= 26), `${collected} of 30 collected`)
  // All of them are still good for another one.
  for (const feeder of feeders) {
    feeder.rewind()
    const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
    t.is(exports.step(), MiB)
  }
})

test.serial('an instance keeps the feeders that it imports, bound or not', async (t) => {
  const { step, stepAfter } = (() => {
    const { feeder, instance } = cyclic()
    feeder.bind(null)
    return instance.exports
  })()
  await collectGarbage()
  t.throws(() => step(), { message: /not bound/ })
  t.throws(() => stepAfter(0), { message: /not bound/ })
})

test.serial('feeders and instances may go while a call is under way', async (t) => {
  const { feeder, instance } = (() => {
    let inner: ReturnType<typeof cyclic> | undefined = cyclic({ windowSize: MiB / 8 })
    inner.instance.exports.step()
    const step = new WeakRef(inner.instance)
    inner = undefined
    const outer = cyclic({
      onProgress: () => {
        // Nothing but the call itself keeps this one.
        step.deref()?.exports.step()
      },
    })
    return outer
  })()
  while (instance.exports.step() > 0) await collectGarbage()
  t.is(feeder.windows, 1)
})
