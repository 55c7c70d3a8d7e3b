import { countries, firstId } from './sales.ts'

/** A query as a user would write it. */
export interface QueryText {
  readonly where: string
  readonly value: string
}

/** As many different queries on the table of sales as asked for; the same ones for the same seed. */
export function randomQueries(number: number, seed: number): QueryText[] {
  let state = seed | 0
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor((state >>> 0) * 2 ** -32 * below)
  }
  const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)]!
  const comparison = () => pick(['<', '<=', '>', '>='])
  const date = () =>
    new Date(Date.UTC(2015, 0, 1 + random(2922))).toISOString().slice(0, 'YYYY-MM-DD'.length)
  const amount = (below: number) => `${random(below)}.${random(90) + 10}`

  const condition = (): string =>
    pick([
      () => `day ${comparison()} '${date()}'`,
      () => `day >= '${date()}' and day < '${date()}'`,
      () => `country ${pick(['=', '<>'])} '${pick(countries)}'`,
      () => `(country = '${pick(countries)}' or country = '${pick(countries)}')`,
      () => `price ${comparison()} ${amount(1000)}`,
      () => `pieces ${comparison()} ${random(500)}`,
      () => `price * pieces ${comparison()} ${amount(200_000)}`,
      () => `weight ${comparison()} ${amount(60_000)}`,
      () => `weight / pieces ${comparison()} ${random(1000)}`,
      () => `id ${comparison()} ${firstId + BigInt(random(1_000_000))}`,
      () => `!(price < ${amount(500)} and pieces > ${random(250)})`,
    ])()
  const value = (): string =>
    pick([
      () => 'price',
      () => 'price * pieces',
      () => `price * pieces * (1 - 0.${random(90) + 10})`,
      () => `pieces - ${random(250)}`,
      () => 'id',
      () => 'weight',
      () => `weight * ${random(20)} + price`,
      () => `price / ${1 + random(12)}`,
    ])()

  const queries = new Map<string, QueryText>()
  while (queries.size < number) {
    const conditions = Array.from({ length: 1 + random(4) }, condition)
    const query = {
      where: conditions.reduce((all, next) => `${all} ${pick(['and', 'and', 'or'])} ${next}`),
      value: value(),
    }
    queries.set(`${query.where}: ${query.value}`, query)
  }
  return [...queries.values()]
}
