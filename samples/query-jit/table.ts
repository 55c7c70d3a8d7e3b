/** What the values of a column mean. */
export type ColumnType =
  /** Integers in units of 10^-scale: with scale 2, 1234 stands for 12.34. */
  | { readonly kind: 'number'; readonly scale: number }
  | { readonly kind: 'double' }
  /** Days since 1970-01-01. */
  | { readonly kind: 'date' }
  /** Indices into a dictionary. */
  | { readonly kind: 'text'; readonly values: readonly string[] }

/** How they are stored, little-endian. */
export type Storage = 'u8' | 'i16' | 'i32' | 'i64' | 'f64'

export const storageBytes: Record<Storage, number> = { u8: 1, i16: 2, i32: 4, i64: 8, f64: 8 }

export interface Column {
  readonly type: ColumnType
  readonly storage: Storage
  /** Where the column begins in a block, in bytes. */
  readonly offset: number
}

/** A table in blocks, one after the other; each has all values of the first column, then all of the second, and so on. */
export interface Table {
  readonly name: string
  readonly blockRows: number
  readonly blockBytes: number
  readonly columns: ReadonlyMap<string, Column>
}

/** Lays columns out in blocks of `blockRows` rows. */
export function layOut(
  name: string,
  blockRows: number,
  columns: Readonly<Record<string, readonly [ColumnType, Storage]>>,
): Table {
  let offset = 0
  const laidOut = new Map<string, Column>()
  for (const [column, [type, storage]] of Object.entries(columns)) {
    laidOut.set(column, { type, storage, offset })
    offset += blockRows * storageBytes[storage]
  }
  return { name, blockRows, blockBytes: offset, columns: laidOut }
}
