import { InvalidArgumentError } from 'commander'
import type { MemoryArrayType } from '../../types/workers.d.ts'
import { numberTypes } from '../arrays/print-option.ts'

/** A column, and the type that the program takes it for, if that was given. */
export interface Column {
  readonly name: string
  readonly type: MemoryArrayType | undefined
}

/** Collects `price` and `price:f64`. */
export function column(text: string, before: Column[] = []): Column[] {
  const [, name, type] = /^(.+):(\w+)$/s.exec(text) ?? []
  const known = numberTypes.find((each) => each === type)
  if (text === '') throw new InvalidArgumentError('Give the name of a column.')
  return [
    ...before,
    known === undefined ? { name: text, type: undefined } : { name: name!, type: known },
  ]
}
