import type * as api from '../../../types/web-assembly.d.ts'
import { Kind } from '../../addon/numbers.ts'
import { adoption, engine, record, registerClass, values, wrongReceiver } from './engine.ts'

export class Table implements api.Table {
  declare readonly [Symbol.toStringTag]: string
  readonly #brand = true

  // An absent value differs from undefined, so count the arguments.
  constructor(descriptor: api.TableDescriptor | typeof adoption, ...value: unknown[]) {
    if (descriptor === adoption) return
    engine.construct(Kind.Table, this, [
      ...record(descriptor, ['address', 'element', 'initial', 'maximum']),
      ...values(value.slice(0, 1)),
    ])
  }

  get length(): number {
    Table.#check(this, 'length')
    return engine.getProperty(this, 'length') as number
  }

  // biome-ignore lint/suspicious/noExplicitAny: elements are functions of any signature, or anything at all
  get(index: number | bigint): any {
    Table.#check(this, 'get()')
    return engine.invoke(this, 'get', values([index]))
  }

  grow(delta: number | bigint, ...value: unknown[]): number {
    Table.#check(this, 'grow()')
    return engine.invoke(this, 'grow', values([delta, ...value.slice(0, 1)])) as number
  }

  set(index: number | bigint, ...value: unknown[]): void {
    Table.#check(this, 'set()')
    engine.invoke(this, 'set', values([index, ...value.slice(0, 1)]))
  }

  static #check(value: unknown, member: string): asserts value is Table {
    if (typeof value !== 'object' || value === null || !(#brand in value && value.#brand)) {
      throw wrongReceiver('Table', member)
    }
  }
}

registerClass(Kind.Table, Table)
