import {
  BIGINT,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  type DuckDBType,
  ENUM,
  INTEGER,
  SMALLINT,
} from '@duckdb/node-api'
import type { HostRegion } from 'v8-rawmem'
import { appendBlocks } from './append-blocks.ts'
import type { Expression, Query } from './expression.ts'
import { type Column, storageBytes, type Table } from './table.ts'

/** What a query gives, in units of the value's scale, or doubles. Without rows only the count means something. */
export interface Aggregate {
  readonly count: bigint
  readonly sum: bigint | number
  readonly min: bigint | number
  readonly max: bigint | number
}

/** The type that DuckDB stores as the column is stored. */
function duckType({ type, storage }: Column): DuckDBType {
  switch (type.kind) {
    case 'double':
      return DOUBLE
    case 'date':
      return DATE
    case 'text':
      return ENUM(type.values)
    case 'number':
      if (type.scale === 0) return { i16: SMALLINT, i32: INTEGER, i64: BIGINT }[storage as 'i16']
      return DECIMAL({ i16: 4, i32: 9, i64: 18 }[storage as 'i16'], type.scale)
  }
}

/** A new in-memory database with a copy of the table. */
export async function loadTable(table: Table, region: HostRegion): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const columns = [...table.columns].map(([name, column]) => ({
    name,
    type: duckType(column),
    width: storageBytes[column.storage],
    offset: column.offset,
  }))
  await appendBlocks(connection, table.name, { ...table, columns }, region)
  return connection
}

/** An expression as SQL. Conversions are left to DuckDB, which makes the same ones. */
export function toSql(expression: Expression): string {
  switch (expression.kind) {
    case 'constant': {
      const { type, value } = expression
      if (type.kind === 'date') {
        return `DATE '${new Date(Number(value) * 86_400_000).toISOString().slice(0, 10)}'`
      }
      if (type.kind === 'text') {
        return `'${type.values[Number(value)]!.replaceAll("'", "''")}'`
      }
      const scale = type.kind === 'number' ? type.scale : 0
      const digits = String(value).padStart(scale + 1, '0')
      const whole = digits.slice(0, digits.length - scale)
      return scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`
    }
    case 'column':
      return expression.name
    case 'rescale':
    case 'toDouble':
      return toSql(expression.operand)
    case 'not':
      return `(NOT ${toSql(expression.operand)})`
    case 'binary': {
      const operator =
        { '&&': 'AND', '||': 'OR', '==': '=', '!=': '<>' }[expression.operator as string] ??
        expression.operator
      return `(${toSql(expression.left)} ${operator} ${toSql(expression.right)})`
    }
  }
}

/** The query's result by DuckDB. */
export async function runInDuckDB(
  query: Query,
  table: Table,
  connection: DuckDBConnection,
): Promise<Aggregate> {
  const value = toSql(query.value)
  const reader = await connection.runAndReadAll(
    `SELECT count(*), sum(${value}), min(${value}), max(${value}) FROM ${table.name} WHERE ${toSql(query.filter)}`,
  )
  const [count, ...aggregates] = reader.getRows()[0]!
  const { type } = query.value
  const scale = type.kind === 'number' ? type.scale : 0
  const [sum, min, max] = aggregates.map((aggregate) => {
    if (aggregate === null || aggregate === undefined) return 0n
    if (type.kind === 'double') return Number(aggregate)
    if (!(aggregate instanceof DuckDBDecimalValue)) return BigInt(aggregate as bigint)
    if (aggregate.scale > scale) {
      throw new Error(`DuckDB gave ${aggregate.scale} decimal places for ${value}, not ${scale}`)
    }
    return aggregate.value * 10n ** BigInt(scale - aggregate.scale)
  }) as [bigint | number, bigint | number, bigint | number]
  return { count: count as bigint, sum, min, max }
}

/** Whether two results are the same: exactly, but for sums of doubles, which depend on the order of the rows. */
export function agree(a: Aggregate, b: Aggregate): boolean {
  if (a.count !== b.count) return false
  if (a.count === 0n) return true
  if (a.min !== b.min || a.max !== b.max) return false
  if (typeof a.sum === 'bigint' || typeof b.sum === 'bigint') return a.sum === b.sum
  const largest = Math.max(Math.abs(Number(a.min)), Math.abs(Number(a.max)))
  return Math.abs(a.sum - b.sum) <= Number(a.count) * largest * 1e-12
}
