import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname, format, parse } from 'node:path'
import { AdvisedError } from '../terminal/advised-error.ts'

function cannotWrite(path: string, cause: unknown): AdvisedError {
  return new AdvisedError(
    `--cpu-profile ${path} cannot be written: ${(cause as Error).message}`,
    'Name a file in a folder that exists and that you may write to.',
    { cause },
  )
}

/**
 * Writes the profile of each thread into a file: `--cpu-profile` itself for one thread, and
 * `name-0.cpuprofile`, `name-1.cpuprofile` and so on for several.
 */
export function cpuProfileWriter(
  path: string,
  threads: number,
): (profile: string, thread: number) => void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw cannotWrite(path, error)
  }
  const { dir, name, ext } = parse(path)
  return (profile, thread) => {
    const file = threads === 1 ? path : format({ dir, name: `${name}-${thread}`, ext })
    try {
      writeFileSync(file, profile)
    } catch (error) {
      throw cannotWrite(file, error)
    }
  }
}
