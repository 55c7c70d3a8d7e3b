// A short run. An hour is a command of its own.
import test from 'ava'
import { describeEnd } from '../fuzz/kind.ts'
import { type Footprint, leastSamples, trends } from './footprint.ts'
import { soak } from './soak.ts'

const flat: Footprint = { memory: 300e6, descriptors: 30, maps: 900, threads: 12 }

test('one region kept each hundred rounds is no chance', (t) => {
  const samples = Array.from({ length: 4000 }, (_, round) => {
    const kept = Math.floor(round / 100)
    return {
      // Noise, as garbage collectors make it.
      memory: flat.memory + kept * 2 ** 20 + ((round * 7919) % 60) * 2 ** 20,
      descriptors: flat.descriptors + kept,
      maps: flat.maps + kept + ((round * 31) % 200),
      threads: flat.threads + (round % 4),
    }
  })
  const found = trends(samples)
  t.false(found.descriptors.isFlat)
  t.false(found.maps.isFlat)
  t.true(found.threads.isFlat)
})

test('what comes and goes is flat', (t) => {
  const samples = Array.from({ length: 100 }, (_, round) => ({
    memory: flat.memory + (round % 7) * 50e6,
    descriptors: flat.descriptors + (round % 5),
    maps: flat.maps + (round % 11) * 100,
    // At the beginning caches fill.
    threads: flat.threads - (round < 10 ? 8 : 0),
  }))
  t.true(Object.values(trends(samples)).every(({ isFlat }) => isFlat))
})

test.serial('random work leaves nothing behind', async (t) => {
  const { report, result } = await soak({ seed: 1, milliseconds: 12_000, plantEvery: 0 })
  t.is(result.exitCode, 0, describeEnd(result))
  t.log(result.stdout.trim())
  t.true(report!.rounds >= leastSamples)
  // Too short for memory and maps, which still fill pools.
  t.true(report!.descriptors.isFlat)
  t.true(report!.threads.isFlat)
})

test.serial('a leak shows', async (t) => {
  const { report, result } = await soak({ seed: 2, milliseconds: 8000, plantEvery: 1 })
  t.is(result.exitCode, 0, describeEnd(result))
  t.true(report!.planted >= leastSamples)
  t.true(report!.descriptors.last > report!.descriptors.second, result.stdout)
})
