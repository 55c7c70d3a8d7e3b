import { AssertionError } from 'node:assert'
import { match } from 'node:assert/strict'
import { type BackendName, openBackend } from 'v8-rawmem'
import { wat } from '../support/wat.ts'
import type { Difference, Feature } from './feature.ts'
import { attaching } from './features/attach.ts'
import { errors } from './features/errors.ts'
import { feeding } from './features/feeder.ts'
import { memories } from './features/memory.ts'
import { regions } from './features/regions.ts'
import { windows } from './features/windows.ts'
import { makeKit } from './kit.ts'

/** What every backend is asked, in the order of the table. */
export const features: readonly Feature[] = [
  ...attaching,
  ...memories,
  ...regions,
  ...windows,
  ...feeding,
  ...errors,
]

/** A table cell: 'yes', what the backend does instead, or '–' where Node does not know the proposal. */
export type Outcome = string

export const notInThisNode: Outcome = '–'

async function expectRefusal(feature: Feature, { refuses }: Difference, run: () => unknown) {
  let refusal: unknown
  try {
    await run()
  } catch (error) {
    refusal = error
  }
  if (refusal === undefined || refusal instanceof AssertionError) {
    throw new AssertionError({
      message: `${feature.name}: should be refused; got ${refusal ?? 'nothing'}`,
    })
  }
  match(String(refusal), refuses as RegExp)
}

/** Tries a feature. Throws if the backend neither has it nor says so as it should. */
export async function outcomeOf(name: BackendName, feature: Feature): Promise<Outcome> {
  const backend = openBackend(name)
  if (feature.needs !== undefined && !backend.WebAssembly.validate(wat(feature.needs))) {
    return notInThisNode
  }
  const { kit, end } = makeKit(backend)
  try {
    const difference = feature.differs?.[name]
    if (difference?.refuses !== undefined) {
      await expectRefusal(feature, difference, () => feature.check(kit))
    } else {
      await (difference?.check ?? feature.check)(kit)
    }
    return difference?.says ?? 'yes'
  } finally {
    end()
  }
}
