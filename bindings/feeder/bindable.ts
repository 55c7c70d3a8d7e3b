import type { Instance } from '../../types/web-assembly.d.ts'

/** A feeder, as an instance that imports its `next` sees it. */
export interface Bindable {
  /** Why no further instance can import it; undefined if one can. */
  refusal(): string | undefined
  /** Binds it to the instance that has imported it. */
  bind(instance: Instance): void
}
