import test from 'ava'
import { type BackendName, backends } from 'v8-rawmem'
import { features, outcomeOf } from './conformance.ts'

/**
 * The conformance suite. One backend for each process: what node-raw does to Node's V8 must not help the others, nor be in
 * their way.
 */
export function testBackend(name: BackendName): void {
  const status = backends().find((backend) => backend.name === name)

  test(`${name} is available`, (t) => {
    t.true(status?.available, status?.reason)
  })

  if (!status?.available) return
  for (const feature of features) {
    // One after the other: they collect garbage, and some take much address space.
    test.serial(feature.name, async (t) => {
      await t.notThrowsAsync(outcomeOf(name, feature))
    })
  }
}
