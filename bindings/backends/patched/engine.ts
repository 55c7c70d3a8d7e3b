import { constants } from 'node:buffer'
import { getHeapStatistics } from 'node:v8'
import { isMainThread, threadId } from 'node:worker_threads'
import type { Arguments, EngineBinding } from '../../addon/binding.ts'
import { engineBinding, withoutEngine } from '../../addon/load.ts'
import { Hook, type Kind, Shape } from '../../addon/numbers.ts'
import { makeError } from './errors.ts'
import { keep, keepAll } from './store.ts'

/** Passed to a constructor: makes a wrapper that the addon ties to an object of the engine. */
export const adoption: unique symbol = Symbol('adoption')

type Adopter = new (key: typeof adoption) => object
const adopters = new Map<Kind, Adopter>()

function adopt(kind: Kind): object {
  const Adopter = adopters.get(kind)
  return Adopter === undefined
    ? Object.preventExtensions(Object.create(null))
    : new Adopter(adoption)
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** ToPrimitive of ECMAScript, for objects that code converts to numbers. */
function toPrimitive(value: unknown, hint: string): unknown {
  if (!isObject(value)) return value
  const object = value as Record<PropertyKey, unknown>
  const convert = object[Symbol.toPrimitive]
  if (convert !== undefined && convert !== null) {
    if (typeof convert !== 'function') {
      throw new TypeError('Symbol.toPrimitive is not a function')
    }
    const result: unknown = Reflect.apply(convert, value, [hint])
    if (!isObject(result)) return result
  } else {
    for (const name of hint === 'string' ? ['toString', 'valueOf'] : ['valueOf', 'toString']) {
      const method = object[name]
      if (typeof method === 'function') {
        const result: unknown = Reflect.apply(method, value, [])
        if (!isObject(result)) return result
      }
    }
  }
  throw new TypeError('Cannot convert object to primitive value')
}

function toList(value: unknown): unknown[] {
  if (!isObject(value) || !(Symbol.iterator in value)) {
    throw new TypeError('A function with several results must return an iterable')
  }
  return Array.from(value as Iterable<unknown>)
}

/** A proxy without traps, see bindings/native/patched/node_isolate.h. */
const probe = new Proxy(Object.create(null), Object.create(null))

/** For an addon without V8: throws an error that says so. */
const noEngine = new Proxy(Object.create(null) as EngineBinding, {
  get: () => () => {
    throw new Error(`this needs the backend 'patched', which is not available: ${withoutEngine}`)
  },
})

const hooks: Record<keyof typeof Hook, object> = {
  Adopt: adopt,
  Keep: keep,
  KeepAll: keepAll,
  MakeError: makeError,
  ToPrimitive: toPrimitive,
  ToList: toList,
  Probe: probe,
}

engineBinding?.start(
  (Object.keys(Hook) as (keyof typeof Hook)[]).map((name) => hooks[name]),
  constants.MAX_LENGTH,
  getHeapStatistics().heap_size_limit,
  isMainThread ? 'main thread' : `worker ${threadId}`,
)

/** The addon's engine, started. */
export const engine: EngineBinding = engineBinding ?? noEngine

/** Arguments that are passed on unchanged. */
export function values(args: ArrayLike<unknown>): Arguments {
  const result: Arguments = []
  for (let i = 0; i < args.length; ++i) result.push(Shape.Value, args[i])
  return result
}

/**
 * A descriptor object, its members read in the order of `names`. Other values are passed on, and
 * the engine throws.
 */
export function record(
  descriptor: unknown,
  names: readonly string[],
  lists: string[] = [],
): Arguments {
  if (!isObject(descriptor)) return [Shape.Value, descriptor]
  const members: unknown[] = []
  for (const name of names) {
    const value = (descriptor as Record<string, unknown>)[name]
    if (value === undefined) continue
    if (lists.includes(name) && isObject(value) && Symbol.iterator in value) {
      members.push(name, Shape.List, Array.from(value as Iterable<unknown>))
    } else {
      members.push(name, Shape.Value, value)
    }
  }
  return [Shape.Record, members]
}

/** An iterable as a list. Other values are passed on unchanged. */
export function list(iterable: unknown): Arguments {
  return isObject(iterable) && Symbol.iterator in iterable
    ? [Shape.List, Array.from(iterable as Iterable<unknown>)]
    : [Shape.Value, iterable]
}

/** The error for a method that is called on another object. */
export function wrongReceiver(className: string, member: string): TypeError {
  return new TypeError(
    `WebAssembly.${className}.${member}: Receiver is not a WebAssembly.${className}`,
  )
}

/**
 * Registers the class for wrappers of `kind`, and gives it the shape of a class in the WebAssembly
 * namespace: enumerable members, and its name as a tag.
 */
// biome-ignore lint/complexity/noBannedTypes: any class
export function registerClass(kind: Kind, Class: Function): void {
  adopters.set(kind, Class as unknown as Adopter)
  for (const target of [Class.prototype as object, Class]) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
      // Members that every function and every prototype has.
      if (
        target === Class ? ['prototype', 'name', 'length'].includes(name) : name === 'constructor'
      ) {
        continue
      }
      Object.defineProperty(target, name, { ...descriptor, enumerable: true })
    }
  }
  Object.defineProperty(Class.prototype, Symbol.toStringTag, {
    value: `WebAssembly.${Class.name}`,
    configurable: true,
  })
}
