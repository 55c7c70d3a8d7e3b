import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { sha256, sha256OfJson } from './hash.ts'

export const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))

/** A path that stays inside the folder it is relative to. */
export const innerPath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    message: 'must be a relative path without ".."',
  })

const archiveSchema = z.strictObject({
  file: z.string().regex(/^[^/]+\.tar\.(xz|gz|zst)$/),
  size: z.int().positive(),
  sha256: hex(64),
  debian: z
    .strictObject({ package: z.string(), version: z.string(), suite: z.string() })
    .optional(),
})

const argsSchema = z.record(z.string(), z.union([z.boolean(), z.int(), z.string()]))

const platformSchema = z.strictObject({
  buildDirectory: innerPath,
  /** GN's arguments for this platform alone. */
  args: argsSchema,
  /** For builds on another platform. */
  cross: z
    .strictObject({
      /** What compilers call the platform. */
      triple: z.string(),
      /** The program that runs its binaries. */
      emulator: z.string(),
    })
    .optional(),
})

const pinSchema = z.strictObject({
  schema: z.literal(1),
  v8: z.strictObject({
    version: z.string().regex(/^\d+\.\d+\.\d+\.\d+$/),
    tag: z.string(),
    date: z.iso.datetime(),
  }),
  chromium: z.strictObject({ version: z.string() }),
  source: z.strictObject({
    archive: archiveSchema,
    topFolder: z.string().regex(/^[^/]+$/),
    folders: z.array(innerPath).nonempty(),
    unpackedSize: z.int().positive(),
    tree: hex(40),
  }),
  /** The URL of a service that keeps what mirrors have dropped; asked when no other place has an archive. */
  snapshot: z.url().optional(),
  gn: z.strictObject({ archive: archiveSchema, commit: hex(7) }),
  patches: z.strictObject({ folder: innerPath, series: z.array(innerPath).nonempty() }),
  toolchain: z.strictObject({ clang: z.int().positive() }),
  build: z.strictObject({
    target: z.string(),
    library: innerPath,
    rootPatterns: z.array(z.string()).nonempty(),
    /** GN's arguments, whatever the platform. */
    args: argsSchema,
    platforms: z.record(z.string(), platformSchema),
    /** V8 for tests, by names that GN's folder and the SDK's get. */
    variants: z.record(z.string().regex(/^[a-z]+$/), z.strictObject({ args: argsSchema })),
  }),
})

/** What v8.lock.json holds: everything that decides what gets built. docs/building.md explains the fields. */
export type Pin = z.infer<typeof pinSchema>

/** A source archive: what it is called, what must be in it, and which Debian source package carries it. */
export type PinnedArchive = z.infer<typeof archiveSchema>

export const lockName = 'v8.lock.json'

/** Reads and checks `<project>/v8.lock.json`. */
export async function loadPin(project: string): Promise<Pin> {
  const path = join(project, lockName)
  const advice = 'Restore the file from git, or correct what is named above.'
  let content: unknown
  try {
    content = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new AdvisedError(`Cannot read ${path}: ${(cause as Error).message}`, advice, { cause })
  }
  const parsed = pinSchema.safeParse(content)
  if (!parsed.success) {
    throw new AdvisedError(`${path} is not valid:\n${z.prettifyError(parsed.error)}`, advice)
  }
  return parsed.data
}

/** This machine, as platforms are called in names of packages and folders. */
export const thisPlatform = `${process.platform}-${process.arch}`

/** What V8 is built for: a platform of the lock file, and how. */
export interface Target extends z.infer<typeof platformSchema> {
  readonly platform: string
  /** A variant of the lock file, for tests; left out, what is published. */
  readonly variant?: string
  /** As Node calls it. */
  readonly cpu: string
}

/** GN's arguments for a platform, as published. */
export function argsOf(pin: Pin, platform: string): Target['args'] {
  return { ...pin.build.args, ...platformIn(pin, platform).args }
}

/** The target for a platform. `cross` is left out for this one. */
export function targetOf(pin: Pin, platform: string, variant?: string): Target {
  const { buildDirectory, cross } = platformIn(pin, platform)
  const isOther = platform !== thisPlatform
  if (isOther && !cross) {
    throw new AdvisedError(
      `${lockName} does not say how to compile for ${platform} on ${thisPlatform}.`,
      `Build on ${platform}, or for another platform with --target.`,
    )
  }
  const cpu = platform.split('-')[1]!
  const published = { platform, cpu, buildDirectory, args: argsOf(pin, platform) }
  return {
    ...published,
    ...(isOther && { cross }),
    ...(variant && variantOf(pin, published, variant)),
  }
}

function variantOf(
  { build }: Pin,
  { cpu, buildDirectory, args }: Pick<Target, 'cpu' | 'buildDirectory' | 'args'>,
  variant: string,
) {
  const found = build.variants[variant]
  if (!found) {
    throw new AdvisedError(
      `${lockName} has no variant ${variant}.`,
      `Name one that it has with --variant: ${Object.keys(build.variants).join(', ')}`,
    )
  }
  return {
    variant,
    buildDirectory: join(dirname(buildDirectory), `${cpu}.${variant}`),
    args: { ...args, ...found.args },
  }
}

function platformIn({ build }: Pin, platform: string) {
  const found = build.platforms[platform]
  if (found) return found
  throw new AdvisedError(
    `${lockName} has no platform ${platform}.`,
    `Name one that it has with --target: ${Object.keys(build.platforms).join(', ')}`,
  )
}

/**
 * Names what decides about what is published: equal contents give equal hashes, white space, the order of keys and the variants
 * aside. Those have their arguments in the manifest of their SDK.
 */
export function hashPin({ build: { variants: _, ...build }, ...pin }: Pin): string {
  return sha256OfJson({ ...pin, build })
}

/** One patch file of the series. */
export interface Patch {
  /** Path relative to the project, for people and for the manifest. */
  readonly name: string
  readonly path: string
  readonly sha256: string
}

/** The patches in the order in which they apply. */
export interface Series {
  readonly patches: readonly Patch[]
  /** Names the series: file names, order and contents. */
  readonly hash: string
}

/** Reads the patch files: the folders in the pin's order, within a folder by name (0001-..., 0002-...). */
export async function readSeries(project: string, pin: Pin): Promise<Series> {
  const patches: Patch[] = []
  for (const folder of pin.patches.series) {
    for (const file of await patchFiles(project, join(pin.patches.folder, folder))) {
      const path = join(project, file)
      patches.push({ name: file, path, sha256: sha256(await readFile(path)) })
    }
  }
  const hash = sha256OfJson(patches.map((patch) => [patch.name, patch.sha256]))
  return { patches, hash }
}

async function patchFiles(project: string, folder: string): Promise<string[]> {
  try {
    const names = await readdir(join(project, folder))
    return names
      .filter((name) => name.endsWith('.patch'))
      .sort()
      .map((name) => join(folder, name))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new AdvisedError(
      `The patch folder ${join(project, folder)}, which v8.lock.json names, is not there.`,
      'Restore it from git, or correct "patches" in v8.lock.json.',
      { cause },
    )
  }
}
