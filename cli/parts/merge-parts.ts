// The command `merge`: the results of all parts become one, if the parts are those of one run.

import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import { plot } from '../arrays/plot.ts'
import { mergeArrays, type PrintedArray, printedArrays } from '../arrays/printed-array.ts'
import { plain, text } from '../format-result.ts'
import { type Merge, mergedResults } from '../merge.ts'
import { printArrays } from '../tell.ts'
import { type PartRecord, partSchema } from './part-record.ts'

/** A part, and where it was read. */
interface ReadPart extends PartRecord {
  readonly source: string
}

const runAgain = 'Run the task of this part again.'

function readLine(source: string, line: string): ReadPart {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new AdvisedError(
      `${source} is no whole line of JSON: ${(error as Error).message}`,
      runAgain,
      { cause: error },
    )
  }
  const { success, data, error } = partSchema.safeParse(value)
  if (!success) {
    throw new AdvisedError(
      `${source} is not what run --part prints: ${z.prettifyError(error).replace(/\s+/g, ' ')}`,
      'Name files that hold the stdout of v8-rawmem run --part, all of one version.',
    )
  }
  return { ...data, source }
}

/** Files may hold one line, or those of several parts. */
async function readParts(path: string): Promise<ReadPart[]> {
  const lines = (await readFile(path, 'utf8')).split('\n')
  const parts = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [readLine(lines.length > 2 ? `${path}:${i + 1}` : path, line)],
  )
  if (parts.length === 0) {
    throw new AdvisedError(`${path} is empty: its task did not end well.`, runAgain)
  }
  return parts
}

/** What all parts of a run have in common, and what to say where they do not. */
const common: [string, (part: PartRecord) => unknown][] = [
  ['program', ({ program }) => program],
  ['call (--export, --args, --arg, --env, --dir, --print)', ({ call }) => call],
  ['boundary (--record-bytes, --delimiter)', ({ records }) => records],
  ['number of files', ({ data }) => data.length],
  ['size of the data', ({ data }) => data.map(({ bytes }) => bytes)],
  ['data, by its fingerprint', ({ data }) => data.map((each) => each.fingerprint)],
  ['division of the data', ({ data }) => data.map(({ divided }) => divided)],
  ['number of parts', ({ of }) => of],
  ['--merge', ({ merge }) => merge],
]

const nameOf = ({ part, of, source }: ReadPart) => `part ${part}/${of} (${source})`

function checkCommon(parts: readonly ReadPart[]): void {
  const [first, ...others] = parts as [ReadPart, ...ReadPart[]]
  for (const other of others) {
    for (const [what, of] of common) {
      if (isDeepStrictEqual(of(first), of(other))) continue
      throw new AdvisedError(
        `${nameOf(other)} has another ${what} than ${nameOf(first)}.`,
        'Merge the parts of one run: of one program, called one way, over the same data.',
      )
    }
  }
}

/** @param parts In their order. */
function checkNumbers(parts: readonly ReadPart[]): void {
  for (const [i, part] of parts.entries()) {
    const before = parts[i - 1]
    if (before?.part !== part.part) continue
    throw new AdvisedError(
      `${nameOf(part)} is there twice, the other time in ${before.source}.`,
      'Name each part once.',
    )
  }
  const { of } = parts[0]!
  const there = new Set(parts.map(({ part }) => part))
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((part) => !there.has(part))
  if (missing.length === 0) return
  const some = missing.slice(0, 10).map((part) => `${part}/${of}`)
  const more = missing.length - some.length
  throw new AdvisedError(
    `Parts are missing: ${some.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
    `Run with --part ${some[0]}, and so on.`,
  )
}

/** @param parts In their order. */
function checkRanges(parts: readonly ReadPart[]): void {
  for (const [i, { file, bytes, divided }] of parts[0]!.data.entries()) {
    let covered = 0
    for (const part of parts) {
      const { begin, end } = part.data[i]!
      if (begin !== (divided ? covered : 0) || (!divided && end !== bytes)) {
        throw new AdvisedError(
          `${nameOf(part)} covers bytes ${begin} to ${end} of ${file}: ${begin > covered ? 'a gap' : 'an overlap'} after byte ${covered}.`,
          'Run all parts with one version of v8-rawmem.',
        )
      }
      covered = end
    }
    if (covered === bytes) continue
    throw new AdvisedError(
      `The parts end at byte ${covered} of ${file}, which has ${bytes}.`,
      'Run all parts with one version of v8-rawmem.',
    )
  }
}

export interface MergeOptions {
  readonly merge: Merge
  readonly plot?: string | true
  readonly json: boolean
}

interface Merged {
  readonly results: ExportResult[]
  readonly arrays: PrintedArray[]
}

function merged(parts: readonly ReadPart[], how: Merge): Merged {
  const { print } = parts[0]!.call
  const { merge: before } = parts[0]!
  if (before !== 'list' && how !== 'list' && how !== before) {
    throw new AdvisedError(
      `The parts were run with --merge ${before}, which --merge ${how} cannot go on with.`,
      `Give --merge ${before}.`,
    )
  }
  const results = parts.flatMap(({ results }) => results)
  const arrays = parts.flatMap(({ arrays }) => arrays)
  return {
    results: mergedResults(how, results, print.length > 0),
    arrays: printedArrays(print, mergeArrays(print, how, arrays)),
  }
}

/** Reads, checks and merges parts; `list` keeps the results in the order of the parts. */
export async function mergeParts(
  paths: readonly string[],
  { merge, plot: plotFile, json }: MergeOptions,
): Promise<void> {
  const parts = (await Promise.all(paths.map(readParts))).flat().sort((a, b) => a.part - b.part)
  checkCommon(parts)
  checkNumbers(parts)
  checkRanges(parts)
  const { results, arrays } = merged(parts, merge)
  if (plotFile !== undefined && arrays.length === 0) {
    throw new AdvisedError('--plot has nothing to draw.', 'Run the parts with --print.')
  }
  if (plotFile !== undefined) await plot(plotFile, arrays)
  if (json) {
    const result = merge === 'list' ? results : results[0]
    const bytes = parts[0]!.data.reduce((sum, each) => sum + each.bytes, 0)
    const told = { result, ...(arrays.length > 0 && { arrays }), bytes, parts: parts.length }
    console.log(JSON.stringify(told, plain, 2))
    return
  }
  for (const line of results) if (line !== undefined) console.log(text(line))
  printArrays(arrays)
}
