import type { Instance } from '../../types/web-assembly.d.ts'

/** What instances that import the `next` of a feeder have to know of it. */
export interface Bindable {
  /** Why no further instance can import it, if so. */
  refusal(): string | undefined
  /** Binds it to the instance that has imported it. */
  bind(instance: Instance): void
}
