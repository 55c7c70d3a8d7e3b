import type { Random } from '../../support/random.ts'

/** Numbers that parsers stumble over, as bytes. */
const interesting = [
  [0x00],
  [0xff],
  [0x7f],
  [0x80],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
]

/** The bytes with one to four small damages. */
export function mutate(original: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let bytes = [...original]
  for (let damages = 1 + random.below(4); damages > 0; --damages) {
    const at = random.below(bytes.length + 1)
    const length = 1 + random.below(random.below(8) === 0 ? bytes.length + 1 : 8)
    switch (random.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8)
        break
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256)
        break
      case 2:
        bytes.splice(at, length)
        break
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + length))
        break
      case 4:
        bytes.splice(at, random.below(2) * length, ...random.pick(interesting))
        break
      case 5: {
        const from = random.below(bytes.length + 1)
        bytes.splice(at, random.below(2) * length, ...bytes.slice(from, from + length))
        break
      }
      default:
        if (random.below(4) === 0) bytes = bytes.slice(0, at)
    }
  }
  return Uint8Array.from(bytes)
}

/** A JSON text in which something has another value, is missing or comes twice. */
export function mutateJson(text: string, random: Random): string {
  if (random.below(3) === 0) {
    return Buffer.from(mutate(Buffer.from(text), random)).toString('latin1')
  }
  const values: unknown[] = [null, 0, -1, 1.5, 2 ** 53, '', '../x', '/', [], {}, true, [null]]
  const visit = (value: unknown): unknown => {
    if (random.below(60) === 0) return random.pick(values)
    if (Array.isArray(value)) {
      return value.flatMap((each) => (random.below(60) === 0 ? [] : [visit(each)]))
    }
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).flatMap(([key, each]): [string, unknown][] => {
      const kind = random.below(120)
      return kind === 0 ? [] : [[kind === 1 ? `${key}x` : key, visit(each)]]
    })
    return Object.fromEntries(entries)
  }
  return JSON.stringify(visit(JSON.parse(text)))
}
