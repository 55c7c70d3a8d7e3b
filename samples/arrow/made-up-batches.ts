import {
  type Data,
  Dictionary,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'

const cities = [
  ...['Amsterdam', 'Bogotá', 'Cairo', 'Dakar', 'Edinburgh', 'Fukuoka', 'Genoa', 'Hanoi'],
  ...['Izmir', 'Jakarta', 'Kyiv', 'Lima', 'Montreal', 'Nairobi', 'Oslo', 'Porto'],
]

/** Bytes of a row: a double, an index, two bits. */
export const rowBytes = 12.25

/**
 * Batches with the columns `city` (texts in a dictionary) and `amount` (doubles), each value missing with some
 * probability. Every third batch has all of its amounts, and so no bitmap for them.
 */
export function* madeUpBatches(rows: number, batchRows: number): Generator<RecordBatch> {
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor((state >>> 0) * 2 ** -32 * below)
  }
  const dictionary = vectorFromArray(cities, new Utf8())
  const cityType = new Dictionary(new Utf8(), new Int32(), 0)
  const schema = new Schema([
    new Field('city', cityType, true),
    new Field('amount', new Float64(), true),
  ])

  const bitmap = (length: number, oneOf: number) => {
    const bits = new Uint8Array(Math.ceil(length / 8))
    let nullCount = 0
    for (let i = 0; i < length; i++) {
      if (random(oneOf) === 0) nullCount++
      else bits[i >> 3]! |= 1 << (i & 7)
    }
    return { nullBitmap: bits, nullCount }
  }

  for (let begin = 0, batch = 0; begin < rows; begin += batchRows, batch++) {
    const length = Math.min(batchRows, rows - begin)
    const indices = Int32Array.from({ length }, () => random(cities.length))
    const amounts = Float64Array.from({ length }, () => random(10_000_000) / 100)
    const children: Data[] = [
      makeData({ type: cityType, length, data: indices, dictionary, ...bitmap(length, 30) }),
      makeData({
        type: new Float64(),
        length,
        data: amounts,
        ...(batch % 3 === 2 ? { nullCount: 0 } : bitmap(length, 20)),
      }),
    ]
    yield new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }),
    )
  }
}
