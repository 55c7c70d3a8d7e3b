import parseSpdx from 'spdx-expression-parse'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { Component } from './component.ts'

/** Licences that only ask to pass on their text with a program that is linked. */
const permitted: ReadonlySet<string> = new Set([
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'bzip2-1.0.6',
  'CC0-1.0',
  'GPL-3.0-or-later WITH GCC-exception-3.1',
  'ISC',
  'LGPL-2.1-or-later WITH GCC-exception-2.0-note',
  'MIT',
  'Python-2.0',
  'SunPro',
])

/** Whether something of this licence may be inside what this project hands on. */
export function isPermitted(licence: string): boolean {
  try {
    return allows(parseSpdx(licence))
  } catch {
    return false
  }
}

function allows(expression: parseSpdx.Expression): boolean {
  if ('conjunction' in expression) {
    const [left, right] = [allows(expression.left), allows(expression.right)]
    return expression.conjunction === 'or' ? left || right : left && right
  }
  const { license, exception } = expression
  return permitted.has(exception ? `${license} WITH ${exception}` : license)
}

/** Fails when something inside has a licence that asks more than handing on its text, or none that is known. */
export function requirePermitted(components: readonly Component[]): void {
  const others = components.filter(({ inside, licence }) => inside && !isPermitted(licence))
  if (others.length === 0) return
  throw new AdvisedError(
    `The licence of what would be inside is not one of those permitted:\n  ${others.map(({ ref, licence }) => `${ref}: ${licence}`).join('\n  ')}`,
    'Leave it out of the build (arguments of GN in v8.lock.json, libraries in binding.gyp). If the licence asks no more than to hand on its text, add it to build-scripts/provenance/permitted-licences.ts; if it is no SPDX expression, say in build-scripts/package/library-components.ts which one it is.',
  )
}
