import type * as api from '../../../types/web-assembly.d.ts'
import { Kind } from '../../addon/numbers.ts'
import { adoption, engine, record, registerClass, values, wrongReceiver } from './engine.ts'

export class Global implements api.Global {
  declare readonly [Symbol.toStringTag]: string
  readonly #brand = true

  // An absent value differs from undefined, so count the arguments.
  constructor(descriptor: api.GlobalDescriptor | typeof adoption, ...value: unknown[]) {
    if (descriptor === adoption) return
    engine.construct(Kind.Global, this, [
      ...record(descriptor, ['mutable', 'value']),
      ...values(value.slice(0, 1)),
    ])
  }

  // biome-ignore lint/suspicious/noExplicitAny: depends on the type of the global
  get value(): any {
    Global.#check(this, 'value')
    return engine.getProperty(this, 'value')
  }

  set value(value: unknown) {
    Global.#check(this, 'value')
    engine.setProperty(this, 'value', value)
  }

  // biome-ignore lint/suspicious/noExplicitAny: depends on the type of the global
  valueOf(): any {
    Global.#check(this, 'valueOf()')
    return engine.getProperty(this, 'value')
  }

  static #check(value: unknown, member: string): asserts value is Global {
    if (typeof value !== 'object' || value === null || !(#brand in value && value.#brand)) {
      throw wrongReceiver('Global', member)
    }
  }
}

registerClass(Kind.Global, Global)
