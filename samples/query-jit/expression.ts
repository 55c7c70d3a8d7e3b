import { ExpressionError, operatorOf, parseSyntax, type Syntax } from '../shared/query-syntax.ts'
import type { Column, ColumnType } from './table.ts'

/** Types of expressions: those of columns, and conditions. A text is an index into the dictionary of one column. */
export type Type = ColumnType | { readonly kind: 'truth' }

export type ArithmeticOperator = '+' | '-' | '*' | '/'
export type ComparisonOperator = '<' | '<=' | '>' | '>=' | '==' | '!='
export type LogicalOperator = '&&' | '||'

/**
 * A checked expression over the columns of one row. Conversions are explicit: both sides of an operator have the same
 * type, and numbers the same scale, but for `*`.
 */
export type Expression =
  /** A number in units of its scale, days, or an index into a dictionary. */
  | { readonly kind: 'constant'; readonly type: ColumnType; readonly value: bigint }
  | { readonly kind: 'column'; readonly type: ColumnType; readonly name: string }
  /** The same number in units of a finer scale. */
  | { readonly kind: 'rescale'; readonly type: NumberType; readonly operand: Expression }
  | { readonly kind: 'toDouble'; readonly type: { kind: 'double' }; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly type: Type
      readonly operator: ArithmeticOperator | ComparisonOperator | LogicalOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'not'; readonly type: { kind: 'truth' }; readonly operand: Expression }

type NumberType = Extract<ColumnType, { kind: 'number' }>
type Columns = ReadonlyMap<string, Column>

/** An expression, or a text in quotes, which only the other side of a comparison can give a type. */
type Operand = Expression | { readonly kind: 'quoted'; readonly text: string }

const truth = { kind: 'truth' } as const
const double = { kind: 'double' } as const
const comparisons: readonly string[] = ['<', '<=', '>', '>=', '==', '!=']
const arithmetic: readonly string[] = ['+', '-', '*', '/']

/** Digits that 64 bits hold in any case. */
const maxDigits = 18

/** SELECT count(*), sum(value), min(value), max(value) WHERE filter. */
export interface Query {
  readonly filter: Expression
  readonly value: Expression
}

/**
 * Parses and checks a query against the columns of its table.
 *
 * @throws {ExpressionError} which says what is wrong with it.
 */
export function parseQuery(where: string, value: string, columns: Columns): Query {
  const query = {
    filter: parseExpression(where, columns, 'truth'),
    value: parseExpression(value, columns, 'number'),
  }
  if (columnsOf(query.filter, query.value).length === 0) {
    throw new ExpressionError(`No column occurs in: ${where}, ${value}`)
  }
  return query
}

function parseExpression(text: string, columns: Columns, wanted: 'truth' | 'number'): Expression {
  const fail = (why: string): never => {
    throw new ExpressionError(`${why}, in: ${text}`)
  }

  const describe = (operand: Operand) =>
    operand.kind === 'quoted' ? `'${operand.text}'` : `a ${operand.type.kind}`

  const isNumeric = (operand: Operand): operand is Expression =>
    operand.kind !== 'quoted' && (operand.type.kind === 'number' || operand.type.kind === 'double')

  const convert = (node: Syntax): Operand => {
    switch (node.type) {
      case 'Literal': {
        if (typeof node.value === 'string') return { kind: 'quoted', text: node.value }
        const match = /^(\d+)(?:\.(\d+))?$/.exec(node.raw)
        if (match === null) return fail(`${node.raw} is neither a decimal number nor a text`)
        const [, whole = '', fraction = ''] = match
        if (whole.length + fraction.length > maxDigits) {
          return fail(`${node.raw} has more than ${maxDigits} digits`)
        }
        const type = { kind: 'number', scale: fraction.length } as const
        return { kind: 'constant', type, value: BigInt(whole + fraction) }
      }
      case 'Identifier': {
        const column = columns.get(node.name)
        if (column === undefined) {
          return fail(
            `There is no column ${node.name} (there are ${[...columns.keys()].join(', ')})`,
          )
        }
        return { kind: 'column', type: column.type, name: node.name }
      }
      case 'UnaryExpression': {
        const operand = convert(node.argument as Syntax)
        if (node.operator === '!') {
          if (operand.kind === 'quoted' || operand.type.kind !== 'truth') {
            return fail(`! needs a condition, not ${describe(operand)}`)
          }
          return { kind: 'not', type: truth, operand }
        }
        if (node.operator !== '-') return fail(`There is no operator ${node.operator}`)
        return binary('-', zero, operand)
      }
      case 'BinaryExpression':
        return binary(
          operatorOf(node.operator),
          convert(node.left as Syntax),
          convert(node.right as Syntax),
        )
      default:
        return fail(`${node.type} has no place in an expression`)
    }
  }

  const binary = (operator: string, left: Operand, right: Operand): Expression => {
    const refuse = (needed: string) =>
      fail(`${operator} needs ${needed}, not ${describe(left)} and ${describe(right)}`)

    if (operator === '&&' || operator === '||') {
      if (left.kind === 'quoted' || left.type.kind !== 'truth') return refuse('two conditions')
      if (right.kind === 'quoted' || right.type.kind !== 'truth') return refuse('two conditions')
      return { kind: 'binary', type: truth, operator, left, right }
    }
    if (arithmetic.includes(operator)) {
      if (!isNumeric(left) || !isNumeric(right)) return refuse('two numbers')
      const arithmeticOperator = operator as ArithmeticOperator
      const [l, r] = unify(left, right, operator)
      const scale = scaleOf(l) + (operator === '*' ? scaleOf(r) : 0)
      if (scale > maxDigits) fail(`A product has more than ${maxDigits} decimal places`)
      const type = l.type.kind === 'double' ? double : ({ kind: 'number', scale } as const)
      return { kind: 'binary', type, operator: arithmeticOperator, left: l, right: r }
    }
    if (!comparisons.includes(operator)) return fail(`There is no operator ${operator}`)

    const comparison = operator as ComparisonOperator
    if (isNumeric(left) && isNumeric(right)) {
      const [l, r] = unify(left, right, operator)
      return { kind: 'binary', type: truth, operator: comparison, left: l, right: r }
    }
    if (left.kind !== 'quoted' && right.kind === 'quoted') {
      const constant = constantFor(right.text, left, operator)
      return { kind: 'binary', type: truth, operator: comparison, left, right: constant }
    }
    if (left.kind === 'quoted' && right.kind !== 'quoted') {
      const constant = constantFor(left.text, right, operator)
      return { kind: 'binary', type: truth, operator: comparison, left: constant, right }
    }
    if (left.kind === 'quoted' || right.kind === 'quoted') return refuse('a column')
    if (left.type.kind === 'date' && right.type.kind === 'date') {
      return { kind: 'binary', type: truth, operator: comparison, left, right }
    }
    return refuse('two numbers, two dates, or a column and a text')
  }

  const zero: Expression = { kind: 'constant', type: { kind: 'number', scale: 0 }, value: 0n }

  const scaleOf = ({ type }: Expression) => (type.kind === 'number' ? type.scale : 0)

  const toDouble = (operand: Expression): Expression =>
    operand.type.kind === 'double' ? operand : { kind: 'toDouble', type: double, operand }

  const rescale = (operand: Expression, scale: number): Expression =>
    scaleOf(operand) === scale
      ? operand
      : { kind: 'rescale', type: { kind: 'number', scale }, operand }

  /** Doubles if one is, or for a quotient; numbers of the same scale otherwise. */
  const unify = (left: Expression, right: Expression, operator: string) => {
    if (operator === '/' || left.type.kind === 'double' || right.type.kind === 'double') {
      return [toDouble(left), toDouble(right)] as const
    }
    if (operator === '*') return [left, right] as const
    const scale = Math.max(scaleOf(left), scaleOf(right))
    return [rescale(left, scale), rescale(right, scale)] as const
  }

  /** What a text in quotes means where it is compared with `other`. */
  const constantFor = (quoted: string, { type }: Expression, operator: string): Expression => {
    if (type.kind === 'date') {
      const milliseconds = /^\d{4}-\d\d-\d\d$/.test(quoted) ? Date.parse(quoted) : Number.NaN
      // Date.parse takes 2001-02-30 for the second of March.
      if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(quoted)) {
        return fail(`'${quoted}' is not a date such as '2001-12-31'`)
      }
      return { kind: 'constant', type, value: BigInt(milliseconds / 86_400_000) }
    }
    if (type.kind !== 'text') return fail(`${operator} needs two numbers, not '${quoted}'`)
    if (operator !== '==' && operator !== '!=') return fail(`${operator} does not work on texts`)
    const index = type.values.indexOf(quoted)
    if (index < 0) return fail(`'${quoted}' does not occur (there are ${type.values.join(', ')})`)
    return { kind: 'constant', type, value: BigInt(index) }
  }

  const expression = convert(parseSyntax(text))
  if (wanted === 'truth') {
    if (expression.kind === 'quoted' || expression.type.kind !== 'truth') {
      return fail(`Wanted a condition, this is ${describe(expression)}`)
    }
    return expression
  }
  if (!isNumeric(expression)) return fail(`Wanted a number, this is ${describe(expression)}`)
  return expression
}

/** The names of the columns that the expressions use, each once. */
export function columnsOf(...expressions: Expression[]): string[] {
  const names = new Set<string>()
  const visit = (expression: Expression): void => {
    if (expression.kind === 'column') names.add(expression.name)
    else if (expression.kind === 'binary') {
      visit(expression.left)
      visit(expression.right)
    } else if (expression.kind !== 'constant') visit(expression.operand)
  }
  for (const expression of expressions) visit(expression)
  return [...names]
}
