import test from 'ava'
import {
  columnsOf,
  type Expression,
  ExpressionError,
  parseExpression,
  resolveTexts,
} from '../../samples/flights/expression.ts'

const schema = new Map([
  ['delay', { kind: 'number' }],
  ['distance', { kind: 'number' }],
  ['origin', { kind: 'text' }],
] as const)

const delay: Expression = { kind: 'column', name: 'delay' }
const constant = (value: number): Expression => ({ kind: 'constant', value })

test('SQL and JavaScript spell the same condition', (t) => {
  const parse = (text: string) => parseExpression(text, schema, 'truth')
  const expected = parse("delay > 1 && origin == 'SFO' || distance !== 3")
  t.deepEqual(parse("delay > 1 and origin = 'SFO' or distance <> 3"), expected)
  t.deepEqual(parse("delay > 1 AND (origin) === 'SFO' OR distance != 3"), expected)
  t.deepEqual(columnsOf(expected), ['delay', 'origin', 'distance'])
})

test('operators bind as usual', (t) => {
  t.deepEqual(parseExpression('1 + 2 * delay - 3', schema, 'number'), {
    kind: 'binary',
    operator: '-',
    left: {
      kind: 'binary',
      operator: '+',
      left: constant(1),
      right: { kind: 'binary', operator: '*', left: constant(2), right: delay },
    },
    right: constant(3),
  })
})

test('texts become the numbers of their column', (t) => {
  const codes = new Map([['SFO', 7]])
  const codesOf = (column: string) => (column === 'origin' ? codes : undefined)
  t.deepEqual(resolveTexts(parseExpression("!(origin = 'SFO')", schema, 'truth'), codesOf), {
    kind: 'not',
    operand: {
      kind: 'binary',
      operator: '==',
      left: { kind: 'column', name: 'origin' },
      right: constant(7),
    },
  })
  t.throws(() => resolveTexts(parseExpression("origin = 'LAX'", schema, 'truth'), codesOf), {
    instanceOf: ExpressionError,
    message: "No row has 'LAX' as its origin",
  })
})

for (const [text, wanted, message] of [
  ['dela > 1', 'truth', /There is no column dela \(there are delay, distance, origin\)/],
  ['delay', 'truth', /Wanted a condition, this is a number/],
  ['delay > 1', 'number', /Wanted a number, this is a truth/],
  ['origin', 'number', /Wanted a number, this is a text/],
  ['1 < delay < 5', 'truth', /< needs two numbers, not truth and number/],
  ['delay and distance', 'truth', /&& needs two truths/],
  ['!delay', 'truth', /! needs a condition, not a number/],
  ["origin > 'A'", 'truth', /> does not work on texts/],
  ["origin + 'A'", 'number', /\+ needs two numbers/],
  ["'A' = 'B'", 'truth', /needs a column and a text/],
  ['origin = 3', 'truth', /== needs two texts/],
  ['delay / 2 > 1', 'truth', /There is no operator \//],
  ['~delay', 'number', /There is no operator ~/],
  ['1.5', 'number', /1\.5 is not an integer from 0 to 2147483647/],
  ['2147483648', 'number', /2147483648 is not an integer/],
  ['true', 'truth', /true is neither a number nor a text/],
  ['delay >', 'truth', /Expected expression after >/],
  ['', 'truth', /has no place in an expression/],
  ['f(delay)', 'number', /CallExpression has no place/],
  ['delay.x', 'number', /MemberExpression has no place/],
  ['delay, distance', 'number', /has no place in an expression/],
] as const) {
  test(`'${text}' is refused as a ${wanted}`, (t) => {
    const error = t.throws(() => parseExpression(text, schema, wanted), {
      instanceOf: ExpressionError,
      message,
    })
    t.true(error.message.endsWith(`, in: ${text}`))
  })
}
