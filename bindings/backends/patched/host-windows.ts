import { hostWindowsClass } from '../../feeder/host-windows-class.ts'
import { ChunkFeeder } from './chunk-feeder.ts'
import { engine } from './engine.ts'
import { registerFeeder } from './feeders.ts'
import { isInstance, maker } from './instance.ts'

/** For instances of the V8 inside. */
export const HostWindows = hostWindowsClass({
  native: engine.hostWindows,
  ChunkFeeder,
  maker,
  isInstance,
  register: registerFeeder,
})
