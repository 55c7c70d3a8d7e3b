import { accessesSuite } from './accesses-suite.ts'
import { bulkSuite } from './bulk-suite.ts'
import { faultsSuite } from './faults-suite.ts'
import { memorySuite } from './memory-suite.ts'
import { memory64Suite } from './memory64-suite.ts'
import { mergedChecksSuite } from './merged-checks-suite.ts'
import { regionChecksSuite } from './region-checks-suite.ts'
import { switchesSuite } from './switches-suite.ts'
import type { Tier } from './tier.ts'
import { windowsSuite } from './windows-suite.ts'

/** Everything that has to hold whichever compiler made the code. */
export function attachedMemorySuite(tier: Tier): void {
  memorySuite(tier)
  switchesSuite(tier)
  bulkSuite(tier)
  accessesSuite(tier)
  memory64Suite(tier)
  mergedChecksSuite(tier)
  windowsSuite(tier)
  faultsSuite(tier)
  regionChecksSuite(tier)
}
