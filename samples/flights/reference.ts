import type { Column } from './columns.ts'
import type { Expression } from './expression.ts'
import { type Aggregate, noMax, noMin, type Query } from './query.ts'

/** The query in plain JavaScript, row by row, to check the other one against. */
export function runInJavaScript(query: Query, columns: ReadonlyMap<string, Column>): Aggregate {
  const filter = evaluator(query.filter, columns)
  const value = evaluator(query.value, columns)
  const rows = [...columns.values()][0]!.values.length
  let count = 0
  let sum = 0n
  let min = noMin
  let max = noMax
  for (let begin = 0; begin < rows; begin += 65_536) {
    // A double adds 65,536 32-bit numbers exactly; a BigInt for each row would be slow.
    let partial = 0
    for (let row = begin; row < Math.min(begin + 65_536, rows); row++) {
      if (filter(row) === 0) continue
      const x = value(row)
      count++
      partial += x
      if (x < min) min = x
      if (x > max) max = x
    }
    sum += BigInt(partial)
  }
  return { count: BigInt(count), sum, min, max }
}

type Evaluator = (row: number) => number

function evaluator(expression: Expression, columns: ReadonlyMap<string, Column>): Evaluator {
  switch (expression.kind) {
    case 'constant':
      return () => expression.value
    case 'column': {
      const { values } = columns.get(expression.name)!
      return (row) => values[row]!
    }
    case 'text':
      throw new Error(`The text '${expression.value}' has not been resolved`)
    case 'not': {
      const operand = evaluator(expression.operand, columns)
      return (row) => operand(row) ^ 1
    }
    case 'binary': {
      const left = evaluator(expression.left, columns)
      const right = evaluator(expression.right, columns)
      switch (expression.operator) {
        case '+':
          return (row) => (left(row) + right(row)) | 0
        case '-':
          return (row) => (left(row) - right(row)) | 0
        case '*':
          return (row) => Math.imul(left(row), right(row))
        case '<':
          return (row) => Number(left(row) < right(row))
        case '<=':
          return (row) => Number(left(row) <= right(row))
        case '>':
          return (row) => Number(left(row) > right(row))
        case '>=':
          return (row) => Number(left(row) >= right(row))
        case '==':
          return (row) => Number(left(row) === right(row))
        case '!=':
          return (row) => Number(left(row) !== right(row))
        case '&&':
          return (row) => left(row) & right(row)
        case '||':
          return (row) => left(row) | right(row)
      }
    }
  }
}
