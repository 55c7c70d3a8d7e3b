import type * as api from '../../../types/web-assembly.d.ts'
import { Kind } from '../../addon/numbers.ts'
import { adoption, engine, list, record, registerClass, values, wrongReceiver } from './engine.ts'

export class Tag implements api.Tag {
  declare readonly [Symbol.toStringTag]: string

  constructor(descriptor: api.TagDescriptor | typeof adoption) {
    if (descriptor === adoption) return
    engine.construct(Kind.Tag, this, record(descriptor, ['parameters'], ['parameters']))
  }
}

registerClass(Kind.Tag, Tag)

export class Exception implements api.Exception {
  declare readonly [Symbol.toStringTag]: string
  readonly #brand = true

  constructor(
    tag: api.Tag | typeof adoption,
    payload?: Iterable<unknown>,
    options?: api.ExceptionOptions,
  ) {
    if (tag === adoption) return
    engine.construct(Kind.Exception, this, [
      ...values([tag]),
      ...list(payload),
      ...(options === undefined ? [] : record(options, ['traceStack'])),
    ])
  }

  get stack(): string | undefined {
    Exception.#check(this, 'stack')
    return engine.getProperty(this, 'stack') as string | undefined
  }

  is(tag: api.Tag): boolean {
    Exception.#check(this, 'is()')
    return engine.invoke(this, 'is', values([tag])) as boolean
  }

  // biome-ignore lint/suspicious/noExplicitAny: depends on the types of the tag
  getArg(tag: api.Tag, index: number): any {
    Exception.#check(this, 'getArg()')
    return engine.invoke(this, 'getArg', values([tag, index]))
  }

  static #check(value: unknown, member: string): asserts value is Exception {
    if (typeof value !== 'object' || value === null || !(#brand in value && value.#brand)) {
      throw wrongReceiver('Exception', member)
    }
  }
}

registerClass(Kind.Exception, Exception)
