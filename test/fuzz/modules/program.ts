import { type Access, accesses, type ValueType } from '../../sdk/accesses.ts'
import { wat } from '../../support/wat.ts'
import { type Address, type Case, type Length, type Step, segmentLength } from './case.ts'

const byInstruction = new Map(accesses.map((access) => [access.instruction, access]))

/** How memory operations are written. Addresses have the type of their memory. */
interface Dialect {
  /** Imports and definitions of memories. */
  readonly head: string
  access(access: Access, memory: number, offset: string, address: string, operand: string): string
  fill(memory: number, address: string, length: string): string
  copy(memory: number, fromMemory: number, address: string, from: string, length: string): string
  init(memory: number, address: string, from: number, length: string): string
  /** Both have the type of the memory's addresses. */
  size(memory: number): string
  grow(memory: number, pages: string): string
}

/**
 * The program as it is.
 *
 * @param memories whether it imports them, or exports its own
 */
export function subjectProgram(
  subject: Case,
  memories: 'imported' | 'exported' = 'imported',
): Uint8Array {
  const inOrOut = (index: number) =>
    memories === 'imported' ? `(import "env" "memory${index}")` : `(export "memory${index}")`
  const head = subject.memories
    .map(
      ({ address, minimum, maximum }, index) =>
        `(memory ${inOrOut(index)} ${address} ${minimum} ${maximum})`,
    )
    .join('\n')
  return write(subject, {
    head,
    access: (access, memory, offset, address, operand) =>
      access.write(`${memory === 0 ? '' : memory} offset=${offset}`, address, operand),
    fill: (memory, address, length) =>
      `(memory.fill ${memory} ${address} (i32.wrap_i64 (local.get $sum)) ${length})`,
    copy: (memory, fromMemory, address, from, length) =>
      `(memory.copy ${memory} ${fromMemory} ${address} ${from} ${length})`,
    init: (memory, address, from, length) =>
      `(memory.init ${memory} $segment ${address} (i32.const ${from}) ${length})`,
    size: (memory) => `(memory.size ${memory})`,
    grow: (memory, pages) => `(memory.grow ${memory} ${pages})`,
  })
}

/**
 * The same program for Node's own engine, on one memory that holds a copy of everything: an import
 * says where each address is in there.
 */
export function referenceProgram(subject: Case): Uint8Array {
  const wide = (memory: number, expression: string) =>
    subject.memories[memory]?.address === 'i64' ? expression : `(i64.extend_i32_u ${expression})`
  const narrow = (memory: number, expression: string) =>
    subject.memories[memory]?.address === 'i64' ? expression : `(i32.wrap_i64 ${expression})`
  const range = (memory: number, address: string, lengthMemories: number[], length: string) => {
    const isWide = lengthMemories.every((index) => subject.memories[index]?.address === 'i64')
    const bytes = isWide ? length : `(i64.extend_i32_u ${length})`
    return `(call $range (i32.const ${memory}) ${wide(memory, address)} ${bytes})`
  }
  const count = (lengthMemories: number[], length: string) =>
    lengthMemories.every((index) => subject.memories[index]?.address === 'i64')
      ? `(i32.wrap_i64 ${length})`
      : length
  return write(subject, {
    head: `
      (import "env" "arena" (memory 0))
      (import "env" "place" (func $place (param i32 i64 i64 i32 i32) (result i32)))
      (import "env" "range" (func $range (param i32 i64 i64) (result i32)))
      (import "env" "size" (func $size (param i32) (result i64)))
      (import "env" "grow" (func $grow (param i32 i64) (result i64)))`,
    access: (access, memory, offset, address, operand) => {
      const isAtomic = access.instruction.includes('atomic') ? 1 : 0
      const place = `(call $place (i32.const ${memory}) ${wide(memory, address)}
        (i64.const ${offset}) (i32.const ${access.bytes}) (i32.const ${isAtomic}))`
      return access.write('', place, operand)
    },
    fill: (memory, address, length) =>
      `(memory.fill ${range(memory, address, [memory], length)}
        (i32.wrap_i64 (local.get $sum)) ${count([memory], length)})`,
    copy: (memory, fromMemory, address, from, length) => {
      const both = [memory, fromMemory]
      return `(memory.copy ${range(memory, address, both, length)}
        ${range(fromMemory, from, both, length)} ${count(both, length)})`
    },
    // The length of memory.init is always one of 32 bits.
    init: (memory, address, from, length) =>
      `(memory.init $segment (call $range (i32.const ${memory}) ${wide(memory, address)}
        (i64.extend_i32_u ${length})) (i32.const ${from}) ${length})`,
    size: (memory) => narrow(memory, `(call $size (i32.const ${memory}))`),
    grow: (memory, pages) =>
      narrow(memory, `(call $grow (i32.const ${memory}) ${wide(memory, pages)})`),
  })
}

const fromSum: Record<ValueType, string> = {
  i32: '(i32.wrap_i64 (local.get $sum))',
  i64: '(local.get $sum)',
  f32: '(f32.reinterpret_i32 (i32.wrap_i64 (local.get $sum)))',
  f64: '(f64.reinterpret_i64 (local.get $sum))',
  v128: '(i64x2.replace_lane 1 (i64x2.splat (local.get $sum)) (i64.rotl (local.get $sum) (i64.const 13)))',
}

const toSum: Record<ValueType, (expression: string) => string> = {
  i32: (expression) => `(i64.extend_i32_u ${expression})`,
  i64: (expression) => expression,
  f32: (expression) => `(i64.extend_i32_u (i32.reinterpret_f32 ${expression}))`,
  f64: (expression) => `(i64.reinterpret_f64 ${expression})`,
  v128: (expression) =>
    `(i64.sub (i64x2.extract_lane 0 (local.tee $vector ${expression})) (i64x2.extract_lane 1 (local.get $vector)))`,
}

const add = (expression: string) =>
  `(local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 7)) ${expression}))`

const parameters = '(param $a i32) (param $b i32) (param $a64 i64) (param $b64 i64)'
const passed = '(local.get $a) (local.get $b) (local.get $a64) (local.get $b64)'

function write(subject: Case, dialect: Dialect): Uint8Array {
  const segment = Array.from({ length: segmentLength }, (_, i) => `\\${(0x41 + i).toString(16)}`)
  const functions = subject.functions.map((steps, index) => {
    const body = new Writer(subject, dialect).steps(steps)
    return `(func $f${index} (type $function) ${parameters} (param $sum i64) (result i64)
      (local $vector v128) (local $i0 i32) (local $i1 i32) (local $i2 i32)
      ${body}
      (local.get $sum))`
  })
  return wat(`(module
    (type $function (func (param i32 i32 i64 i64 i64) (result i64)))
    (type $act (func (param i32)))
    (import "env" "act" (func $act (type $act)))
    ${dialect.head}
    (table funcref (elem $act ${functions.map((_, index) => `$f${index}`).join(' ')}))
    (global $sum (export "sum") (mut i64) (i64.const 0))
    (global $zero (export "zero") (mut i32) (i32.const 0))
    (data $segment "${segment.join('')}")
    ${functions.join('\n')}
    (func (export "run") ${parameters} (result i64)
      (call $f0 ${passed} (i64.const 0x0123456789abcdef))))`)
}

/** Writes the steps of one function. */
class Writer {
  readonly #subject: Case
  readonly #dialect: Dialect
  #depth = 0

  constructor(subject: Case, dialect: Dialect) {
    this.#subject = subject
    this.#dialect = dialect
  }

  steps(steps: readonly Step[]): string {
    return steps.map((step) => this.#step(step)).join('\n')
  }

  #step(step: Step): string {
    const dialect = this.#dialect
    switch (step.do) {
      case 'access': {
        const access = byInstruction.get(step.instruction)
        if (access === undefined) throw new Error(`no instruction ${step.instruction}`)
        const operand = access.operand === undefined ? '' : fromSum[access.operand]
        const { memory, offset } = step
        const written = dialect.access(access, memory, offset, this.#at(memory, step.at), operand)
        return access.result === undefined ? written : add(toSum[access.result](written))
      }
      case 'fill': {
        const { memory, length } = step
        return dialect.fill(memory, this.#at(memory, step.at), this.#length([memory], length))
      }
      case 'copy': {
        const { memory, fromMemory, length } = step
        const [at, from] = [this.#at(memory, step.at), this.#at(fromMemory, step.from)]
        const bytes = this.#length([memory, fromMemory], length)
        return dialect.copy(memory, fromMemory, at, from, bytes)
      }
      case 'init': {
        const { memory, from, length } = step
        const bytes = `(i32.const ${length.bytes})`
        return dialect.init(memory, this.#at(memory, step.at), from, bytes)
      }
      case 'drop':
        return '(data.drop $segment)'
      case 'size':
        return add(this.#fromPages(step.memory, dialect.size(step.memory)))
      case 'grow': {
        const pages = `(${this.#address(step.memory)}.const ${step.pages})`
        return add(this.#fromPages(step.memory, dialect.grow(step.memory, pages)))
      }
      case 'act':
        return step.indirectly
          ? `(call_indirect (type $act) (i32.const ${step.action}) (global.get $zero))`
          : `(call $act (i32.const ${step.action}))`
      case 'call':
        return step.indirectly
          ? `(local.set $sum (call_indirect (type $function) ${passed} (local.get $sum)
              (i32.add (global.get $zero) (i32.const ${1 + step.function}))))`
          : `(local.set $sum (call $f${step.function} ${passed} (local.get $sum)))`
      case 'loop': {
        const counter = `$i${this.#depth++}`
        const body = this.steps(step.steps)
        --this.#depth
        return `(local.set ${counter} (i32.const 0))
          (loop $again${counter.slice(1)} ${body}
            (br_if $again${counter.slice(1)} (i32.lt_u
              (local.tee ${counter} (i32.add (local.get ${counter}) (i32.const 1)))
              (i32.const ${step.times}))))`
      }
      case 'if':
        return `(if (i32.wrap_i64 (i64.and (i64.const 1)
            (i64.shr_u (local.get $sum) (i64.const ${step.bit}))))
          (then ${this.steps(step.steps)}))`
      case 'publish':
        return '(global.set $sum (local.get $sum))'
    }
  }

  #address(memory: number): 'i32' | 'i64' {
    return this.#subject.memories[memory]!.address
  }

  #fromPages(memory: number, expression: string): string {
    return this.#address(memory) === 'i64' ? expression : `(i64.extend_i32_s ${expression})`
  }

  #at(memory: number, { base, plus, stride, bits }: Address): string {
    const type = this.#address(memory)
    const wide = type === 'i64'
    const terms = plus === 0 && base !== 'nothing' ? [] : [`(${type}.const ${plus})`]
    if (base !== 'nothing') terms.push(`(local.get $${base}${wide ? '64' : ''})`)
    if (stride !== undefined && this.#depth > 0) {
      const counter = `(i32.mul (local.get $i${this.#depth - 1}) (i32.const ${stride}))`
      terms.push(wide ? `(i64.extend_i32_u ${counter})` : counter)
    }
    if (bits) {
      const low = '(i64.and (local.get $sum) (i64.const 15))'
      terms.push(wide ? low : `(i32.wrap_i64 ${low})`)
    }
    return terms.reduce((sum, term) => `(${type}.add ${sum} ${term})`)
  }

  #length(memories: number[], { bytes, isConstant }: Length): string {
    const type = memories.every((memory) => this.#address(memory) === 'i64') ? 'i64' : 'i32'
    const constant = `(${type}.const ${bytes})`
    if (isConstant) return constant
    const zero = '(global.get $zero)'
    return `(${type}.add ${constant} ${type === 'i64' ? `(i64.extend_i32_u ${zero})` : zero})`
  }
}
