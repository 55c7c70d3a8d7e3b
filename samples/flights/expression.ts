import { ExpressionError, operatorOf, parseSyntax, type Syntax } from '../shared/query-syntax.ts'

export { ExpressionError }

/** A checked expression over the columns of one row. All arithmetic is that of 32-bit integers, and wraps around. */
export type Expression =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'column'; readonly name: string }
  /** A value of a text column, which becomes a constant once the column's numbers are known. */
  | { readonly kind: 'text'; readonly column: string; readonly value: string }
  | { readonly kind: 'not'; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }

export type ArithmeticOperator = '+' | '-' | '*'
export type ComparisonOperator = '<' | '<=' | '>' | '>=' | '==' | '!='
export type LogicalOperator = '&&' | '||'
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | LogicalOperator

type Type = 'number' | 'truth' | 'text'
type Schema = ReadonlyMap<string, { readonly kind: 'number' | 'text' }>

const arithmetic: readonly string[] = ['+', '-', '*']
const comparisons: readonly string[] = ['<', '<=', '>', '>=', '==', '!=']
const logical: readonly string[] = ['&&', '||']

/**
 * Parses `text`, checks names and types against the schema, and that the whole is of type `wanted`.
 *
 * @throws {ExpressionError} which says what is wrong with it.
 */
export function parseExpression(
  text: string,
  schema: Schema,
  wanted: 'number' | 'truth',
): Expression {
  const fail = (why: string): never => {
    throw new ExpressionError(`${why}, in: ${text}`)
  }

  const convert = (node: Syntax): [Expression, Type] => {
    switch (node.type) {
      case 'Literal': {
        const { value } = node
        if (typeof value === 'string') return [{ kind: 'text', column: '', value }, 'text']
        if (typeof value !== 'number') return fail(`${node.raw} is neither a number nor a text`)
        if (!Number.isInteger(value) || value > 2 ** 31 - 1) {
          return fail(`${node.raw} is not an integer from 0 to ${2 ** 31 - 1}`)
        }
        return [{ kind: 'constant', value }, 'number']
      }
      case 'Identifier': {
        const column = schema.get(node.name)
        if (column === undefined) {
          return fail(
            `There is no column ${node.name} (there are ${[...schema.keys()].join(', ')})`,
          )
        }
        return [{ kind: 'column', name: node.name }, column.kind]
      }
      case 'UnaryExpression': {
        const { operator } = node
        const [operand, type] = convert(node.argument as Syntax)
        if (operator === '!') {
          if (type !== 'truth') fail(`! needs a condition, not a ${type}`)
          return [{ kind: 'not', operand }, 'truth']
        }
        if (operator !== '-') return fail(`There is no operator ${operator}`)
        if (type !== 'number') fail(`- needs a number, not a ${type}`)
        const zero: Expression = { kind: 'constant', value: 0 }
        return [{ kind: 'binary', operator: '-', left: zero, right: operand }, 'number']
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

  const binary = (
    operator: string,
    [left, leftType]: [Expression, Type],
    [right, rightType]: [Expression, Type],
  ): [Expression, Type] => {
    const both = (type: Type) => {
      if (leftType !== type || rightType !== type) {
        fail(`${operator} needs two ${type}s, not ${leftType} and ${rightType}`)
      }
    }
    const make = (left: Expression, right: Expression): Expression => ({
      kind: 'binary',
      operator: operator as BinaryOperator,
      left,
      right,
    })
    if (arithmetic.includes(operator)) {
      both('number')
      return [make(left, right), 'number']
    }
    if (logical.includes(operator)) {
      both('truth')
      return [make(left, right), 'truth']
    }
    if (!comparisons.includes(operator)) return fail(`There is no operator ${operator}`)
    if (leftType !== 'text' && rightType !== 'text') {
      both('number')
      return [make(left, right), 'truth']
    }
    both('text')
    if (operator !== '==' && operator !== '!=') fail(`${operator} does not work on texts`)
    if (left.kind === 'column' && right.kind === 'text') {
      return [make(left, { ...right, column: left.name }), 'truth']
    }
    if (left.kind === 'text' && right.kind === 'column') {
      return [make({ ...left, column: right.name }, right), 'truth']
    }
    return fail(`${operator} on texts needs a column and a text`)
  }

  const [expression, type] = convert(parseSyntax(text))
  if (type !== wanted) {
    fail(`Wanted a ${wanted === 'truth' ? 'condition' : wanted}, this is a ${type}`)
  }
  return expression
}

/** The names of the columns that the expressions use, each once. */
export function columnsOf(...expressions: Expression[]): string[] {
  const names = new Set<string>()
  const visit = (expression: Expression): void => {
    if (expression.kind === 'column') names.add(expression.name)
    else if (expression.kind === 'not') visit(expression.operand)
    else if (expression.kind === 'binary') {
      visit(expression.left)
      visit(expression.right)
    }
  }
  for (const expression of expressions) visit(expression)
  return [...names]
}

/**
 * Replaces texts by the numbers that stand for them in their columns.
 *
 * @throws {ExpressionError} if no row has such a text.
 */
export function resolveTexts(
  expression: Expression,
  codesOf: (column: string) => ReadonlyMap<string, number> | undefined,
): Expression {
  switch (expression.kind) {
    case 'text': {
      const code = codesOf(expression.column)?.get(expression.value)
      if (code === undefined) {
        throw new ExpressionError(`No row has '${expression.value}' as its ${expression.column}`)
      }
      return { kind: 'constant', value: code }
    }
    case 'not':
      return { kind: 'not', operand: resolveTexts(expression.operand, codesOf) }
    case 'binary':
      return {
        ...expression,
        left: resolveTexts(expression.left, codesOf),
        right: resolveTexts(expression.right, codesOf),
      }
    default:
      return expression
  }
}
