import jsep from 'jsep'

// SQL's spellings beside those of JavaScript, with the same precedence.
const spellings: Record<string, string> = {
  AND: '&&',
  and: '&&',
  OR: '||',
  or: '||',
  '=': '==',
  '<>': '!=',
  '===': '==',
  '!==': '!=',
}
for (const [spelling, operator] of Object.entries(spellings)) {
  jsep.addBinaryOp(spelling, jsep.binary_ops[operator]!)
}

/** An expression that is not as it should be. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

/** What an expression says, unchecked. Operators are spelled as in the text; see {@link operatorOf}. */
export type Syntax = jsep.CoreExpression

/**
 * Parses an expression, in SQL's spelling or JavaScript's.
 *
 * @throws {ExpressionError}
 */
export function parseSyntax(text: string): Syntax {
  try {
    return jsep(text) as Syntax
  } catch (error) {
    throw new ExpressionError(`${(error as Error).message}, in: ${text}`)
  }
}

/** JavaScript's spelling of an operator: `&&` for `AND`, `==` for `=`. */
export function operatorOf(spelling: string): string {
  return spellings[spelling] ?? spelling
}
