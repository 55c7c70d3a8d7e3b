import { type FileHandle, open } from 'node:fs/promises'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { Table, TableOptions } from './table.ts'

async function startOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(6), position: 0 })
  return buffer.toString('latin1', 0, bytesRead)
}

/** Opens an Arrow IPC file or a Parquet file, by what it begins with. */
export async function openTable(path: string, options: TableOptions): Promise<Table> {
  const file = await open(path)
  try {
    const start = await startOf(file)
    if (start === 'ARROW1') {
      const { openArrowFile } = await import('./arrow-file.ts')
      return await openArrowFile(path, file, options)
    }
    if (start.startsWith('PAR1')) {
      const { openParquetFile } = await import('./parquet-file.ts')
      return await openParquetFile(path, options)
    }
  } finally {
    await file.close()
  }
  throw new AdvisedError(
    `${path} is neither an Arrow IPC file nor a Parquet file, and so has no columns.`,
    'Leave out --column to map its bytes. Arrow streams have to be written as files.',
  )
}
