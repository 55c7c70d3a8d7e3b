import type { BackendName } from '../../../types/backend.d.ts'
import type { ChunkFeederConstructor } from '../../../types/chunk-feeder.d.ts'
import type * as api from '../../../types/web-assembly.d.ts'
import type { Next, NodeBackendsBinding, WindowTarget } from '../../addon/binding.ts'
import type { Bindable } from '../../feeder/bindable.ts'
import { chunkFeederClass } from '../../feeder/feeder-class.ts'
import { checkOwnData } from '../module-layout.ts'
import type { NamespaceOptions, NodeNamespace } from './namespace.ts'
import { instanceMemory, type TargetOf } from './raw-memory.ts'

/**
 * The feeders of a node backend. They connect the namespace, which sees the imports, with the
 * class, which needs the namespace.
 */
export class NodeFeeders {
  readonly #feeders = new WeakMap<object, Bindable>()

  /** For the namespace. */
  readonly hooks = {
    instantiating: (imports) => {
      for (const { moduleName, name, feeder } of this.#among(imports)) {
        const refusal = feeder.refusal()
        if (refusal !== undefined) {
          throw new TypeError(
            `WebAssembly.Instance(): Import "${moduleName}" "${name}": ${refusal}`,
          )
        }
      }
    },
    instantiated: (instance, { imports }) => {
      for (const { feeder } of this.#among(imports)) feeder.bind(instance)
    },
  } satisfies Pick<NamespaceOptions, 'instantiating' | 'instantiated'>

  /** The class of feeders for instances of `namespace`. */
  feederClass(
    backend: BackendName,
    binding: NodeBackendsBinding,
    namespace: NodeNamespace,
    targetOf: TargetOf,
  ): ChunkFeederConstructor {
    const native = binding.chunkFeeder
    /** The addon refers to them weakly. */
    const resolvers = new WeakMap<Next, () => WindowTarget>()
    return chunkFeederClass({
      native,
      maker: `the WebAssembly of the backend '${backend}'`,
      isInstance: (value): value is api.Instance => namespace.partsOf(value) !== undefined,
      register: (next, feeder) => this.register(next, feeder),
      checkOwnData(instance, memoryIndex) {
        const layout = namespace.partsOf(instance)?.layout
        if (layout === undefined || layout instanceof Error) return
        checkOwnData(layout.memories[memoryIndex], memoryIndex)
      },
      bind(next, instance, memoryIndex, window) {
        // next() reports problems with the memory.
        const resolve = () =>
          targetOf(instanceMemory(backend, namespace, instance, memoryIndex), window)
        native.bind(next, resolve)
        resolvers.set(next, resolve)
      },
      unbind(next) {
        resolvers.delete(next)
        native.unbind(next)
      },
    })
  }

  /** Has instances that import `imported` be bound. */
  register(imported: object, feeder: Bindable): void {
    this.#feeders.set(imported, feeder)
  }

  *#among(imports: api.Imports): Generator<{ moduleName: string; name: string; feeder: Bindable }> {
    for (const [moduleName, values] of Object.entries(imports)) {
      // Node throws if this is no object.
      if (typeof values !== 'object' || values === null) continue
      for (const [name, value] of Object.entries(values)) {
        const feeder = typeof value === 'function' ? this.#feeders.get(value) : undefined
        if (feeder !== undefined) yield { moduleName, name, feeder }
      }
    }
  }
}
