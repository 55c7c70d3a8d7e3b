import binaryen from 'binaryen'
import type { BlockLayout } from './blocks.ts'
import type { BinaryOperator, Expression } from './expression.ts'
import { noMax, noMin, type Query } from './query.ts'

/** The exports of a module made by {@link compileQuery}. */
export interface KernelExports {
  /** Runs over all windows: count, sum, min and max. */
  run(): [count: bigint, sum: bigint, min: number, max: number]
}

/** Pages of 64 KiB that 32-bit addresses reach. */
const maxPages = 65_536

/**
 * Compiles the query to a WebAssembly module with the export `run` and the memory `memory`, which has no pages of its own, or as
 * many as the backend needs to show windows in: the rows come to it as windows of host memory, of whole blocks. Its import `env.next` maps the next window at address 0 and
 * returns the number of bytes in it, 0 at the end, as `ChunkFeeder` does.
 *
 * Four rows at a time: a truth is a vector of 32-bit masks, all bits set where it holds.
 */
export function compileQuery(query: Query, layout: BlockLayout, ownPages = 0): Uint8Array {
  const { i32, i64, v128 } = binaryen
  const module = new binaryen.Module()
  try {
    module.setFeatures(
      binaryen.Features.SIMD128 |
        binaryen.Features.Multivalue |
        binaryen.Features.MutableGlobals |
        binaryen.Features.SignExt,
    )
    module.setMemory(ownPages, maxPages, 'memory')
    module.addFunctionImport('next', 'env', 'next', binaryen.none, i32)

    const types: number[] = []
    const local = (type: number): number => types.push(type) - 1
    const get = (index: number) => module.local.get(index, types[index]!)
    const length = local(i32)
    const base = local(i32)
    const address = local(i32)
    const end = local(i32)
    const mask = local(v128)
    const value = local(v128)
    const counts = local(v128)
    const sums = local(v128)
    const mins = local(v128)
    const maxs = local(v128)
    const count = local(i64)
    const columns = new Map(layout.columns.map((name) => [name, local(v128)]))

    const splat = (number: number) => module.i32x4.splat(module.i32.const(number))
    const zero = () => module.i64x2.splat(module.i64.const(0n))
    const addTo = (target: number, operand: number, add: (a: number, b: number) => number) =>
      module.local.set(target, add(get(target), operand))

    // Four rows. Values that the mask leaves out count as 0, or as the largest or smallest number.
    const rows = module.block(null, [
      ...[...columns].map(([, column], i) =>
        module.local.set(column, module.v128.load(i * layout.columnBytes, 4, get(address))),
      ),
      module.local.set(mask, vector(module, query.filter, columns)),
      module.local.set(value, vector(module, query.value, columns)),
      addTo(mins, module.v128.bitselect(get(value), splat(noMin), get(mask)), module.i32x4.min_s),
      addTo(maxs, module.v128.bitselect(get(value), splat(noMax), get(mask)), module.i32x4.max_s),
      // A mask is -1 where the row counts.
      addTo(counts, get(mask), module.i32x4.sub),
      module.local.set(value, module.v128.and(get(value), get(mask))),
      addTo(sums, module.i64x2.extend_low_i32x4_s(get(value)), module.i64x2.add),
      addTo(sums, module.i64x2.extend_high_i32x4_s(get(value)), module.i64x2.add),
    ])

    // A window may reach to the end of 32-bit addresses, so they are compared for equality only.
    const block = module.block(null, [
      module.local.set(address, get(base)),
      module.local.set(end, module.i32.add(get(base), module.i32.const(layout.columnBytes))),
      module.local.set(counts, zero()),
      module.loop(
        'rows',
        module.block(null, [
          rows,
          module.local.set(address, module.i32.add(get(address), module.i32.const(16))),
          module.br('rows', module.i32.ne(get(address), get(end))),
        ]),
      ),
      ...[0, 1, 2, 3].map((lane) =>
        addTo(
          count,
          module.i64.extend_u(module.i32x4.extract_lane(get(counts), lane)),
          module.i64.add,
        ),
      ),
      module.local.set(base, module.i32.add(get(base), module.i32.const(layout.blockBytes))),
    ])

    const reduce = (lanes: number, smaller: boolean) =>
      [1, 2, 3]
        .map((lane) => () => module.i32x4.extract_lane(get(lanes), lane))
        .reduce(
          (best, next) => () =>
            module.select(
              smaller ? module.i32.lt_s(next(), best()) : module.i32.gt_s(next(), best()),
              next(),
              best(),
            ),
          () => module.i32x4.extract_lane(get(lanes), 0),
        )()

    module.addFunction(
      'run',
      binaryen.none,
      binaryen.createType([i64, i64, i32, i32]),
      types,
      module.block(null, [
        module.local.set(mins, splat(noMin)),
        module.local.set(maxs, splat(noMax)),
        module.block('end', [
          module.loop(
            'windows',
            module.block(null, [
              module.local.set(length, module.call('next', [], i32)),
              module.br('end', module.i32.eqz(get(length))),
              module.local.set(base, module.i32.const(0)),
              module.loop(
                'blocks',
                module.block(null, [
                  block,
                  module.br('blocks', module.i32.ne(get(base), get(length))),
                ]),
              ),
              module.br('windows'),
            ]),
          ),
        ]),
        module.return(
          module.tuple.make([
            get(count),
            module.i64.add(
              module.i64x2.extract_lane(get(sums), 0),
              module.i64x2.extract_lane(get(sums), 1),
            ),
            reduce(mins, true),
            reduce(maxs, false),
          ]),
        ),
      ]),
    )
    module.addFunctionExport('run', 'run')
    if (!module.validate()) throw new Error('The query became an invalid WebAssembly module')
    binaryen.setOptimizeLevel(3)
    module.optimize()
    return module.emitBinary()
  } finally {
    module.dispose()
  }
}

/** The expression for four rows at once. */
function vector(
  module: binaryen.Module,
  expression: Expression,
  columns: ReadonlyMap<string, number>,
): number {
  switch (expression.kind) {
    case 'constant':
      return module.i32x4.splat(module.i32.const(expression.value))
    case 'column':
      return module.local.get(columns.get(expression.name)!, binaryen.v128)
    case 'text':
      throw new Error(`The text '${expression.value}' has not been resolved`)
    case 'not':
      return module.v128.not(vector(module, expression.operand, columns))
    case 'binary':
      return operation(module, expression.operator)(
        vector(module, expression.left, columns),
        vector(module, expression.right, columns),
      )
  }
}

function operation(
  { i32x4, v128 }: binaryen.Module,
  operator: BinaryOperator,
): (left: number, right: number) => number {
  switch (operator) {
    case '+':
      return i32x4.add
    case '-':
      return i32x4.sub
    case '*':
      return i32x4.mul
    case '<':
      return i32x4.lt_s
    case '<=':
      return i32x4.le_s
    case '>':
      return i32x4.gt_s
    case '>=':
      return i32x4.ge_s
    case '==':
      return i32x4.eq
    case '!=':
      return i32x4.ne
    case '&&':
      return v128.and
    case '||':
      return v128.or
  }
}
