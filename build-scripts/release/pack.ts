import { chmod, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { npmEnvironment } from '../../cli/install/npm.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { listFiles } from '../shared/files.ts'
import { $ } from '../shared/shell.ts'

// npm 12 gives an object by name where older ones give an array.
const packedSchema = z
  .union([z.array(z.unknown()), z.record(z.string(), z.unknown())])
  .transform((packed) => Object.values(packed)[0])
  .pipe(
    z.object({
      name: z.string(),
      version: z.string(),
      filename: z.string(),
      /** `sha512-` and base64. */
      integrity: z.string(),
      size: z.number(),
      unpackedSize: z.number(),
      files: z.array(z.object({ path: z.string() }).transform(({ path }) => path)),
    }),
  )

/** A tarball as npm has made it. */
export type PackedPackage = z.output<typeof packedSchema>

/** Has npm pack the package in `folder`, a copy, into `destination`. */
export async function packPackage(folder: string, destination: string): Promise<PackedPackage> {
  await settleRights(folder)
  const packed = await $({
    cwd: folder,
    nothrow: true,
    env: npmEnvironment(),
  })`npm pack --ignore-scripts --json --pack-destination=${destination} --workspaces=false`
  if (packed.exitCode !== 0) {
    throw new AdvisedError(
      `npm cannot pack ${folder}:\n${packed.stderr.trim()}`,
      'Look at its package.json.',
    )
  }
  return packedSchema.parse(JSON.parse(packed.stdout))
}

/** Gives files the rights that git knows: npm packs them, and a umask, here or where it was cloned, would decide about bytes. */
async function settleRights(folder: string): Promise<void> {
  for (const file of await listFiles(folder)) {
    const path = join(folder, file)
    const status = await lstat(path)
    if (status.isFile()) await chmod(path, status.mode & 0o100 ? 0o755 : 0o644)
  }
}
