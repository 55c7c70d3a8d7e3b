import { chmod, lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { npmEnvironment } from '../../cli/install/npm.ts'
import { BuildError } from '../shared/build-error.ts'
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
      integrity: z.string(),
      size: z.number(),
      unpackedSize: z.number(),
      files: z.array(z.object({ path: z.string() })),
    }),
  )

/** A tarball as npm has made it. */
export interface PackedPackage {
  readonly name: string
  readonly version: string
  readonly filename: string
  /** `sha512-` and base64. */
  readonly integrity: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly string[]
}

/** Has npm pack the package in `folder`, a copy, into `destination`. */
export async function packPackage(
  folder: string,
  destination: string,
  signal: AbortSignal,
): Promise<PackedPackage> {
  await settleRights(folder)
  const packed = await $({
    cwd: folder,
    signal,
    nothrow: true,
    env: npmEnvironment(),
  })`npm pack --ignore-scripts --json --pack-destination=${destination} --workspaces=false`
  signal.throwIfAborted()
  if (packed.exitCode !== 0) {
    throw new BuildError(
      `npm cannot pack ${folder}:\n${packed.stderr.trim()}`,
      'Look at its package.json.',
    )
  }
  const { files, ...about } = packedSchema.parse(JSON.parse(packed.stdout))
  return { ...about, files: files.map(({ path }) => path).sort() }
}

/** Gives files the rights that git knows: npm packs them, and a umask, here or where it was cloned, would decide about bytes. */
async function settleRights(folder: string): Promise<void> {
  for (const file of await listFiles(folder)) {
    const path = join(folder, file)
    const status = await lstat(path)
    if (status.isFile()) await chmod(path, status.mode & 0o100 ? 0o755 : 0o644)
  }
}

/** A package's tarball, for libraries that want to read it. */
export async function readTarball(
  folder: string,
  { filename }: PackedPackage,
): Promise<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = await readFile(join(folder, filename))
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}
