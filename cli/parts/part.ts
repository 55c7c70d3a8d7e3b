// `run --part i/n`: cuts the data as every other task does, and says what the part covered.

import { basename } from 'node:path'
import { readScanOptions } from '../../bindings/workers/options.ts'
import { cut, isEmpty } from '../../bindings/workers/parts.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import type { Values } from '../arrays/printed-array.ts'
import type { RunOptions } from '../run-options.ts'
import type { SeenRange } from '../touched-pages.ts'
import { fingerprint, sha256 } from './fingerprint.ts'
import { formatPart } from './part-record.ts'

export interface ChosenPart {
  /** What the program sees; closed by {@link ChosenPart.close}. */
  readonly regions: HostRegion[]
  /** The bytes of the files that these are. */
  readonly ranges: readonly SeenRange[]
  /** There are fewer records than parts, and this part has none: nothing to run. */
  readonly isEmpty: boolean
  /** The line of JSON. */
  describe(results: ExportResult[], arrays: Values[][]): string
  close(): void
}

/** @param wholes The regions of the files, which the parts are cut of. */
export async function choosePart(
  program: Uint8Array,
  wholes: readonly HostRegion[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<ChosenPart> {
  const { index, count } = options.part!
  const { boundary } = readScanOptions(wholes.length, 0, 1, {
    recordBytes: options.recordBytes,
    delimiter: options.delimiter,
  })
  const divided = wholes.map((_, i) => 'delimiter' in boundary || boundary.recordBytes[i] !== null)
  if (!divided.includes(true)) {
    throw new AdvisedError(
      '--record-bytes divides no file, and so there are no parts.',
      'Give the bytes of a record for one of the files at least, as in --record-bytes 8,all.',
    )
  }
  const part = (await cut(wholes, boundary, count, signal))[index - 1]!
  const ranges = part.map((range) => range!)
  const fingerprints = await Promise.all(
    options.map.map((path, i) => fingerprint(path, wholes[i]!.byteLength)),
  )
  const regions: HostRegion[] = []
  for (const [i, { begin, end }] of ranges.entries()) {
    regions.push(wholes[i]!.subarray(begin, end))
  }
  return {
    regions,
    ranges: ranges.map((range, i) => ({ path: options.map[i]!, ...range })),
    isEmpty: isEmpty(part, boundary),
    describe: (results, arrays) =>
      formatPart({
        part: index,
        of: count,
        program: sha256(program),
        call: {
          export: options.export ?? null,
          args: options.args,
          arg: options.arg,
          // A hash: values may be secrets.
          env: sha256(Buffer.from(JSON.stringify(Object.entries(options.env).sort()))),
          dir: Object.keys(options.dir).sort(),
          print: options.print.map(({ text }) => text),
        },
        records:
          'delimiter' in boundary
            ? { delimiter: boundary.delimiter }
            : { recordBytes: [...boundary.recordBytes] },
        data: ranges.map(({ begin, end }, i) => ({
          file: basename(options.map[i]!),
          bytes: wholes[i]!.byteLength,
          fingerprint: fingerprints[i]!,
          divided: divided[i]!,
          begin,
          end,
        })),
        merge: options.merge,
        results,
        arrays,
      }),
    close() {
      for (const region of regions) region.close()
    },
  }
}
