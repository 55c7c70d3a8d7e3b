import { InvalidArgumentError } from 'commander'
import { arrayClasses } from '../../bindings/workers/memory-arrays.ts'
import type { MemoryArray, MemoryArrayType } from '../../types/workers.d.ts'

/** What `--print` asks for, and how it was written. */
export interface Print extends MemoryArray {
  readonly text: string
}

export const numberTypes = Object.keys(arrayClasses) as MemoryArrayType[]

/** Collects `f64:64@histogram`, or an address for the name: `u32:1@0x400`. */
export function print(text: string, before: Print[] = []): Print[] {
  const [, typeText, digits, place = ''] = /^(\w+):(\d+)@(.+)$/.exec(text) ?? []
  const count = Number(digits)
  const type = numberTypes.find((each) => each === typeText)
  if (!(Number.isSafeInteger(count) && count > 0)) {
    throw new InvalidArgumentError(
      'Give <type>:<count>@<exported global or address>, as in f64:64@histogram or u32:1@0x400.',
    )
  }
  if (type === undefined) {
    throw new InvalidArgumentError(
      `There is no type ${typeText}; there are ${numberTypes.join(', ')}.`,
    )
  }
  const isAddress = /^(0x[0-9a-f]+|\d+)$/i.test(place)
  const at = isAddress ? Number(place) : place
  if (isAddress && !Number.isSafeInteger(at)) {
    throw new InvalidArgumentError(`${place} is no address of a memory.`)
  }
  return [...before, { text, type, count, at }]
}

/** The file of `--plot`. Without one there is a chart in the terminal. */
export function plotFile(text: string): string {
  if (!text.endsWith('.svg')) {
    throw new InvalidArgumentError(
      'Give a file that ends in .svg, or no file and --plot as the last option for a chart in the terminal.',
    )
  }
  return text
}
