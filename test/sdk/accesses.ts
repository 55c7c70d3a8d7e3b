/**
 * Modules that access a memory with every load, store and atomic instruction there is, one exported
 * function for each.
 *
 * An export is named `<instruction> <bytes> <offset>`: the bytes that it touches and the constant
 * offset that it adds to the address it is given. All take the address alone.
 */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

/** An instruction with the number of bytes it touches, and how it is written. */
export interface Access {
  readonly instruction: string
  readonly bytes: number
  /** The type of what it stores or combines with what is there; undefined for most loads. */
  readonly operand: ValueType | undefined
  readonly result: ValueType | undefined
  /** The instruction, where `memory` is the index of the memory and the offset. */
  write(memory: string, address: string, operand: string): string
}

const constants: Record<ValueType, string> = {
  i32: '(i32.const 0x5a5a5a5a)',
  i64: '(i64.const 0x5a5a5a5a5a5a5a5a)',
  f32: '(f32.const 1.5)',
  f64: '(f64.const 1.5)',
  v128: '(v128.const i64x2 0x1122334455667788 0x99aabbccddeeff00)',
}

function load(instruction: string, bytes: number, result: ValueType): Access {
  return {
    instruction,
    bytes,
    operand: undefined,
    result,
    write: (memory, address) => `(${instruction} ${memory} ${address})`,
  }
}

function store(instruction: string, bytes: number, type: ValueType): Access {
  return {
    instruction,
    bytes,
    operand: type,
    result: undefined,
    write: (memory, address, operand) => `(${instruction} ${memory} ${address} ${operand})`,
  }
}

function readModifyWrite(instruction: string, bytes: number, type: ValueType): Access {
  const times = instruction.includes('cmpxchg') ? 2 : 1
  return {
    instruction,
    bytes,
    operand: type,
    result: type,
    write: (memory, address, operand) =>
      `(${instruction} ${memory} ${address} ${operand.repeat(times)})`,
  }
}

function loadLane(bits: number): Access {
  const instruction = `v128.load${bits}_lane`
  return {
    instruction,
    bytes: bits / 8,
    operand: 'v128',
    result: 'v128',
    write: (memory, address, operand) => `(${instruction} ${memory} 1 ${address} ${operand})`,
  }
}

function storeLane(bits: number): Access {
  const instruction = `v128.store${bits}_lane`
  return {
    instruction,
    bytes: bits / 8,
    operand: 'v128',
    result: undefined,
    write: (memory, address, operand) => `(${instruction} ${memory} 1 ${address} ${operand})`,
  }
}

function* scalarAccesses(): Generator<Access> {
  for (const [type, bytes] of [
    ['i32', 4],
    ['i64', 8],
    ['f32', 4],
    ['f64', 8],
  ] as const) {
    yield load(`${type}.load`, bytes, type)
    yield store(`${type}.store`, bytes, type)
  }
  for (const [type, narrower] of [
    ['i32', [8, 16]],
    ['i64', [8, 16, 32]],
  ] as const) {
    for (const bits of narrower) {
      yield load(`${type}.load${bits}_s`, bits / 8, type)
      yield load(`${type}.load${bits}_u`, bits / 8, type)
      yield store(`${type}.store${bits}`, bits / 8, type)
    }
  }
}

function* vectorAccesses(): Generator<Access> {
  yield load('v128.load', 16, 'v128')
  yield store('v128.store', 16, 'v128')
  for (const shape of ['8x8', '16x4', '32x2']) {
    yield load(`v128.load${shape}_s`, 8, 'v128')
    yield load(`v128.load${shape}_u`, 8, 'v128')
  }
  for (const bits of [32, 64]) yield load(`v128.load${bits}_zero`, bits / 8, 'v128')
  for (const bits of [8, 16, 32, 64]) {
    yield load(`v128.load${bits}_splat`, bits / 8, 'v128')
    yield loadLane(bits)
    yield storeLane(bits)
  }
}

function* atomicAccesses(): Generator<Access> {
  for (const [type, bytes, narrower] of [
    ['i32', 4, [8, 16]],
    ['i64', 8, [8, 16, 32]],
  ] as const) {
    yield load(`${type}.atomic.load`, bytes, type)
    yield store(`${type}.atomic.store`, bytes, type)
    for (const bits of narrower) {
      yield load(`${type}.atomic.load${bits}_u`, bits / 8, type)
      yield store(`${type}.atomic.store${bits}`, bits / 8, type)
    }
    for (const operation of ['add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg']) {
      yield readModifyWrite(`${type}.atomic.rmw.${operation}`, bytes, type)
      for (const bits of narrower) {
        yield readModifyWrite(`${type}.atomic.rmw${bits}.${operation}_u`, bits / 8, type)
      }
    }
  }
  yield {
    instruction: 'memory.atomic.notify',
    bytes: 4,
    operand: 'i32',
    result: 'i32',
    write: (memory, address, operand) => `(memory.atomic.notify ${memory} ${address} ${operand})`,
  }
}

/** Every load, store, vector and atomic access that V8 ships, but for those that wait. */
export const accesses: readonly Access[] = [
  ...scalarAccesses(),
  ...vectorAccesses(),
  ...atomicAccesses(),
]

/** The text of a module that makes every access to memory `memoryIndex`, with addresses of `addressType`. */
export function accessesModule(addressType: 'i32' | 'i64', memoryIndex: 0 | 1): string {
  const limits = addressType === 'i64' ? 'i64 0' : '0'
  const memories = Array.from({ length: memoryIndex + 1 }, (_, index) =>
    index === memoryIndex ? `(memory (export "memory") ${limits})` : '(memory 1)',
  )
  const functions = accesses.flatMap(({ instruction, bytes, operand, result, write }) =>
    [0, 24].map((offset) => {
      const body = write(
        `${memoryIndex} offset=${offset}`,
        '(local.get 0)',
        operand === undefined ? '' : constants[operand],
      )
      const name = `${instruction} ${bytes} ${offset}`
      if (result === undefined) {
        return `(func (export "${name}") (param ${addressType}) ${body})`
      }
      // Vectors cannot be returned to the host.
      return result === 'v128'
        ? `(func (export "${name}") (param ${addressType}) (result i64) (local v128)
             (local.set 1 ${body})
             (i64.xor (i64x2.extract_lane 0 (local.get 1)) (i64x2.extract_lane 1 (local.get 1))))`
        : `(func (export "${name}") (param ${addressType}) (result ${result}) ${body})`
    }),
  )
  return `(module\n${[...memories, ...functions].join('\n')})`
}

/** The text of a module whose code is larger than `bytes`, with the function of spin.wat in it. */
export function largeModule(spin: string, bytes: number): string {
  // Ten bytes for the constant, one for the drop.
  const filler = '(drop (i64.const 0x7fffffffffffffff))'.repeat(100)
  const functions = Array.from({ length: Math.ceil(bytes / 1100) }, () => `(func ${filler})`)
  return spin.replace(/\)\s*$/, `${functions.join('\n')})`)
}
