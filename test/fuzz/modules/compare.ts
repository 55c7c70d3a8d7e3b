import type { Backend } from 'v8-rawmem'
import type { Case } from './case.ts'
import { agrees } from './outcome.ts'
import { Reference } from './reference.ts'
import { Subject, type SubjectOptions } from './subject.ts'

/** How a case differs on a backend from itself in Node's own engine; undefined if it does not. */
export function difference(
  tested: Case,
  backend: Backend,
  options: SubjectOptions = {},
): string | undefined {
  const reference = new Reference(tested)
  const subject = new Subject(tested, backend, options)
  try {
    for (const [a, b] of tested.calls) {
      const expected = reference.run(BigInt(a), BigInt(b))
      const actual = subject.run(BigInt(a), BigInt(b))
      const call = `run(${a}, ${b})`
      if (!agrees(actual, expected)) {
        return `${call}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`
      }
      for (const index of tested.regions.keys()) {
        const at = firstDifference(subject.region(index), reference.region(index))
        if (at !== undefined) return `${call}: byte ${at} of region ${index}`
      }
      if (!subject.isIntact()) return `${call}: bytes outside of the regions were written`
      subject.detach()
      for (const index of tested.memories.keys()) {
        const at = firstDifference(subject.memory(index), reference.memory(index))
        if (at !== undefined) return `${call}: byte ${at} of the own memory ${index}`
      }
    }
    return undefined
  } finally {
    subject.close()
  }
}

function firstDifference(actual: Uint8Array, expected: Uint8Array): number | undefined {
  if (Buffer.compare(actual, expected) === 0) return undefined
  const at = actual.findIndex((byte, index) => byte !== expected[index])
  return at < 0 ? Math.min(actual.length, expected.length) : at
}
