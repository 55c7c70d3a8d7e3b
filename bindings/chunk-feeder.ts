import {
  chunkFeederClass,
  type FeederBinding as EngineFeederBinding,
  type Next,
} from './chunk-feeder/feeder-class.ts'
import { engine } from './web-assembly/engine.ts'
import { registerFeeder } from './web-assembly/feeders.ts'
import { isInstance } from './web-assembly/instance.ts'
import { type Store, storeOf } from './web-assembly/store.ts'

/** What the addon defines as `chunkFeeder`, see bindings/src/chunk_feeder.cc. */
export interface FeederBinding extends EngineFeederBinding {
  bind(next: Next, instance: object, attachments: object): void
}

const native: FeederBinding = engine.chunkFeeder

/** For instances of the V8 inside. */
export const ChunkFeeder = chunkFeederClass({
  native,
  maker: 'the WebAssembly of v8-rawmem',
  isInstance,
  register: registerFeeder,
  bind(next, instance) {
    const store = storeOf(instance) as Store
    store.attachments ??= engine.newAttachments()
    native.bind(next, instance, store.attachments)
    // What is mapped stays as long as the instance, even if nobody else knows the feeder.
    store.feeders.add(next)
  },
  unbind(next, instance) {
    native.unbind(next)
    storeOf(instance)?.feeders.delete(next)
  },
})
