import binaryen from 'binaryen'
import { columnsOf, type Expression, type Query } from './expression.ts'
import { type Column, type Storage, storageBytes, type Table } from './table.ts'

/** The exports of a module made by {@link compileQuery}. */
export interface KernelExports {
  /**
   * Runs over the blocks at address 0. Sum, minimum and maximum are bigints in units of the value's scale, or doubles.
   * Without rows minimum and maximum mean nothing.
   */
  run(
    blocks: number,
  ): [count: bigint, sum: bigint | number, min: bigint | number, max: bigint | number]
}

/** Pages of 64 KiB that 32-bit addresses reach. */
const maxPages = 65_536

export interface KernelOptions {
  /**
   * Whether the module imports `env.next`, and exports `scan`, which runs over the one window that this shows: for threads.
   * Default `false`.
   */
  readonly import?: boolean
}

/**
 * Compiles the query to a WebAssembly module. Its memory has no pages of its own: the blocks of the table are to be attached
 * to it. Numbers, dates and texts are handled as i64, doubles as f64; conditions are i32.
 */
export function compileQuery(
  query: Query,
  table: Table,
  options: KernelOptions = {},
): Uint8Array<ArrayBuffer> {
  const { i32, i64, f64 } = binaryen
  const module = new binaryen.Module()
  try {
    module.setFeatures(binaryen.Features.Multivalue | binaryen.Features.MutableGlobals)
    module.setMemory(0, maxPages, 'memory')

    // Local 0 is the parameter.
    const types: number[] = [i32]
    const local = (type: number): number => types.push(type) - 1
    const get = (index: number) => module.local.get(index, types[index]!)
    const isDouble = query.value.type.kind === 'double'
    const valueType = isDouble ? f64 : i64
    const blocks = 0
    const base = local(i32)
    const rows = local(i32)
    const count = local(i64)
    const value = local(valueType)
    const sum = local(valueType)
    const min = local(valueType)
    const max = local(valueType)

    // An address for each width, which steps from value to value.
    const columns = columnsOf(query.filter, query.value).map((name) => ({
      name,
      column: table.columns.get(name)!,
      variable: local(table.columns.get(name)!.storage === 'f64' ? f64 : i64),
    }))
    const widths = [...new Set(columns.map(({ column }) => storageBytes[column.storage]))]
    const addresses = new Map(widths.map((width) => [width, local(i32)]))
    const variables = new Map(columns.map(({ name, variable }) => [name, variable]))

    const emit = (expression: Expression): number => emitExpression(module, expression, variables)
    const set = module.local.set
    const add = isDouble ? module.f64.add : module.i64.add
    const less = isDouble ? module.f64.lt : module.i64.lt_s
    const constant = (number: bigint, asDouble: number) =>
      isDouble ? module.f64.const(asDouble) : module.i64.const(number)
    const better = (than: number, left: number, right: number) =>
      set(than, module.select(less(get(left), get(right)), get(value), get(than)))

    const row = module.block(null, [
      ...columns.map(({ column, variable }) =>
        set(variable, emitLoad(module, column, get(addresses.get(storageBytes[column.storage])!))),
      ),
      module.if(
        emit(query.filter),
        module.block(null, [
          set(value, emit(query.value)),
          set(count, module.i64.add(get(count), module.i64.const(1n))),
          set(sum, add(get(sum), get(value))),
          better(min, value, min),
          better(max, max, value),
        ]),
      ),
      ...[...addresses].map(([width, address]) =>
        set(address, module.i32.add(get(address), module.i32.const(width))),
      ),
      set(rows, module.i32.sub(get(rows), module.i32.const(1))),
      module.br('rows', get(rows)),
    ])

    const results = binaryen.createType([i64, valueType, valueType, valueType])
    if (options.import) {
      module.addFunctionImport('next', 'env', 'next', binaryen.none, i32)
      const length = module.call('next', [], i32)
      const windowBlocks = module.i32.div_u(length, module.i32.const(table.blockBytes))
      module.addFunction(
        'scan',
        binaryen.none,
        results,
        [],
        module.call('run', [windowBlocks], results),
      )
      module.addFunctionExport('scan', 'scan')
    }
    module.addFunction(
      'run',
      i32,
      results,
      types.slice(1),
      module.block(null, [
        set(min, constant(2n ** 63n - 1n, Number.POSITIVE_INFINITY)),
        set(max, constant(-(2n ** 63n), Number.NEGATIVE_INFINITY)),
        module.block('end', [
          module.loop(
            'blocks',
            module.block(null, [
              module.br('end', module.i32.eqz(get(blocks))),
              ...[...addresses.values()].map((address) => set(address, get(base))),
              set(rows, module.i32.const(table.blockRows)),
              module.loop('rows', row),
              set(base, module.i32.add(get(base), module.i32.const(table.blockBytes))),
              set(blocks, module.i32.sub(get(blocks), module.i32.const(1))),
              module.br('blocks'),
            ]),
          ),
        ]),
        module.return(module.tuple.make([get(count), get(sum), get(min), get(max)])),
      ]),
    )
    module.addFunctionExport('run', 'run')
    if (!module.validate()) throw new Error('The query became an invalid WebAssembly module')
    // Not optimised here: that takes ten times as long as all of the above, and V8 does it anyway.
    return Uint8Array.from(module.emitBinary())
  } finally {
    module.dispose()
  }
}

function emitLoad(module: binaryen.Module, { storage, offset }: Column, address: number): number {
  const width = storageBytes[storage]
  const load: Record<Storage, (offset: number, align: number, address: number) => number> = {
    u8: module.i64.load8_u,
    i16: module.i64.load16_s,
    i32: module.i64.load32_s,
    i64: module.i64.load,
    f64: module.f64.load,
  }
  return load[storage](offset, width, address)
}

function emitExpression(
  module: binaryen.Module,
  expression: Expression,
  variables: ReadonlyMap<string, number>,
): number {
  const { i32, i64, f64 } = module
  const emit = (operand: Expression) => emitExpression(module, operand, variables)
  switch (expression.kind) {
    case 'constant':
      return i64.const(expression.value)
    case 'column':
      return module.local.get(
        variables.get(expression.name)!,
        expression.type.kind === 'double' ? binaryen.f64 : binaryen.i64,
      )
    case 'rescale': {
      const digits = expression.type.scale - scaleOf(expression.operand)
      return i64.mul(emit(expression.operand), i64.const(10n ** BigInt(digits)))
    }
    case 'toDouble': {
      const converted = f64.convert_s.i64(emit(expression.operand))
      const scale = scaleOf(expression.operand)
      return scale === 0 ? converted : f64.div(converted, f64.const(10 ** scale))
    }
    case 'not':
      return i32.eqz(emit(expression.operand))
    case 'binary': {
      const left = emit(expression.left)
      const right = emit(expression.right)
      const isDouble = expression.left.type.kind === 'double'
      switch (expression.operator) {
        case '+':
          return isDouble ? f64.add(left, right) : i64.add(left, right)
        case '-':
          return isDouble ? f64.sub(left, right) : i64.sub(left, right)
        case '*':
          return isDouble ? f64.mul(left, right) : i64.mul(left, right)
        case '/':
          return f64.div(left, right)
        case '<':
          return isDouble ? f64.lt(left, right) : i64.lt_s(left, right)
        case '<=':
          return isDouble ? f64.le(left, right) : i64.le_s(left, right)
        case '>':
          return isDouble ? f64.gt(left, right) : i64.gt_s(left, right)
        case '>=':
          return isDouble ? f64.ge(left, right) : i64.ge_s(left, right)
        case '==':
          return isDouble ? f64.eq(left, right) : i64.eq(left, right)
        case '!=':
          return isDouble ? f64.ne(left, right) : i64.ne(left, right)
        // Both sides, always: a branch that is predicted wrongly costs more than a comparison.
        case '&&':
          return i32.and(left, right)
        case '||':
          return i32.or(left, right)
      }
    }
  }
}

function scaleOf({ type }: Expression): number {
  return type.kind === 'number' ? type.scale : 0
}
