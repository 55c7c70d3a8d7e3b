import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { gitIn } from '../shared/git.ts'
import { sha256 } from '../shared/hash.ts'
import { hex, innerPath } from '../shared/pin.ts'

const repositorySchema = z.strictObject({
  url: z.url(),
  /** What is asked of the server: a commit, or a tag where a tag is what the release has. */
  revision: z.string().regex(/^([0-9a-f]{40}|refs\/tags\/\S+)$/),
})

const upstreamPinSchema = z.strictObject({
  schema: z.literal(1),
  /** The version of V8 in v8.lock.json that this goes with. */
  v8: z.string(),
  /** Chromium's own repository, and the folders of it that are wanted: gclient cannot take a part of a repository. */
  chromium: repositorySchema.extend({ folders: z.array(innerPath).nonempty() }),
  /** The repositories that gclient brings, by their place in Chromium's tree. */
  repositories: z
    .record(innerPath, repositorySchema)
    .refine((repositories) => repositories.v8 && repositories[depotToolsPath], {
      message: `must name v8 and ${'third_party/depot_tools'}`,
    }),
  /** Dependencies in V8's DEPS that gclient is told to leave out: those that come from elsewhere, and those unused. */
  leftOut: z.array(innerPath),
  /** GN's repository; the tree is that of the archive v8.lock.json pins. */
  gn: z.strictObject({ url: z.url(), revision: z.string().min(7), tree: hex(40) }),
  /** Files that the makers of the archive's tree generated from git's state, by path. */
  generated: z.record(innerPath, z.string()),
  /** The list of all files, `files.txt.br` beside this file. */
  files: z.strictObject({ count: z.int().positive(), sha256: hex(64) }),
  /** Git hash of the tree that must come out. */
  tree: hex(40),
  /** The hashes of its parts, to say where a tree differs. */
  trees: z.record(z.string(), hex(40)),
})

/** Where git has what the archive holds. Decides nothing that is built: the tree that must come out is pinned. */
export type UpstreamPin = z.infer<typeof upstreamPinSchema>

/** One pinned repository. */
export type PinnedRepository = z.infer<typeof repositorySchema>

/** Where depot_tools lies in Chromium's tree. */
export const depotToolsPath = 'third_party/depot_tools'

/** The folder of the pin in a project. */
export const upstreamFolder = 'upstream'
export const upstreamPinName = 'pin.json'
export const upstreamFilesName = 'files.txt.br'

/** Reads `<project>/upstream/pin.json`; undefined when the project has none. */
export async function loadUpstreamPin({
  project,
  pin,
}: Pick<BuildContext, 'project' | 'pin'>): Promise<UpstreamPin | undefined> {
  const path = join(project, upstreamFolder, upstreamPinName)
  const text = await readFile(path, 'utf8').catch((cause) => {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  })
  if (text === undefined) return undefined
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw invalid(path, (cause as Error).message, cause)
  }
  const parsed = upstreamPinSchema.safeParse(content)
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error))
  if (parsed.data.v8 !== pin.v8.version) {
    throw invalid(path, `it is for V8 ${parsed.data.v8}, v8.lock.json pins ${pin.v8.version}`)
  }
  return parsed.data
}

/** The pin of the repositories; an error when a project has none. */
export async function requireUpstreamPin(context: BuildContext): Promise<UpstreamPin> {
  const upstream = await loadUpstreamPin(context)
  if (upstream) return upstream
  throw new AdvisedError(
    `${context.project} has no upstream/pin.json, which says where the repositories are.`,
    'Take the sources from the archive: --source archive',
  )
}

/** The files to take from the repositories, as paths in Chromium's tree. */
export async function loadUpstreamFiles(project: string, upstream: UpstreamPin): Promise<string[]> {
  const path = join(project, upstreamFolder, upstreamFilesName)
  const packed = await readFile(path)
  let text: Buffer
  try {
    text = brotliDecompressSync(packed)
  } catch (cause) {
    throw invalid(path, (cause as Error).message, cause)
  }
  if (sha256(text) !== upstream.files.sha256) {
    throw invalid(path, `the list in it is not the one ${upstreamPinName} names`)
  }
  return text.toString().trimEnd().split('\n')
}

function invalid(path: string, reason: string, cause?: unknown): AdvisedError {
  return new AdvisedError(
    `${path} is not valid:\n${reason}`,
    'Restore it from git, or make it anew from the archive: npm run v8 -- pin-upstream',
    { cause },
  )
}

/** Folders that hold others of different origin; their parts are told apart. */
const gatherings = ['third_party', 'tools']

/** Git hashes of a commit's top folders, and of the folders in `third_party` and `tools`. */
export async function partsOfTree(
  repository: string,
  commit: string,
): Promise<Record<string, string>> {
  const $git = gitIn(repository)
  const listed = await $git`git ls-tree -z ${commit} ./ ${gatherings.map((name) => `${name}/`)}`
  const parts: Record<string, string> = {}
  for (const line of listed.stdout.split('\0')) {
    const match = /^\d+ tree ([0-9a-f]{40})\t(.+)$/.exec(line)
    if (match && !gatherings.includes(match[2]!)) parts[match[2]!] = match[1]!
  }
  return parts
}
