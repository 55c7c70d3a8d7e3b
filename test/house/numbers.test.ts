import { readFileSync } from 'node:fs'
import test from 'ava'
import { constants, enumerations } from '../../bindings/addon/numbers.ts'
import { headerPath, numbersHeader } from '../../build-scripts/numbers.ts'

test('C++ has the numbers of TypeScript', (t) => {
  const header = readFileSync(new URL(`../../${headerPath}`, import.meta.url), 'utf8')
  t.is(header, numbersHeader())
})

test('enumerations count from 0', (t) => {
  for (const [name, numbers] of Object.entries(enumerations)) {
    t.deepEqual(Object.values(numbers), [...Object.keys(numbers).keys()], name)
  }
})

test('flags are bits, one each', (t) => {
  const flags = Object.values(constants.FeederFlag)
  t.deepEqual(
    flags,
    flags.map((_, i) => 1 << i),
  )
})
