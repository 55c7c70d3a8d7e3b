import type { Suite } from '../context.ts'
import { backendsSuite } from './backends.ts'
import { callsSuite } from './calls.ts'
import { coldStartSuite } from './cold-start.ts'
import { flagsSuite } from './flags.ts'
import { growthSuite } from './growth.ts'
import { hostWindowsSuite } from './host-windows.ts'
import { pagesSuite } from './pages.ts'
import { parallelSuite } from './parallel.ts'
import { scanSuite } from './scan.ts'
import { tpchSuite } from './tpch.ts'
import { trustedSuite } from './trusted.ts'
import { windowSwitchSuite } from './window-switch.ts'
import { windowsSuite } from './windows.ts'

/** In the order in which they run. */
export const suites: readonly Suite[] = [
  scanSuite,
  growthSuite,
  tpchSuite,
  windowSwitchSuite,
  windowsSuite,
  hostWindowsSuite,
  pagesSuite,
  parallelSuite,
  trustedSuite,
  callsSuite,
  coldStartSuite,
  flagsSuite,
  backendsSuite,
]
