import { gitIn } from '../git.ts'

/** Folders that hold others of different origin; their parts are told apart. */
const gatherings = ['third_party', 'tools']

/** Git hashes of a commit's top folders, and of the folders in `third_party` and `tools`. */
export async function partsOfTree(
  repository: string,
  commit: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const $git = gitIn(repository, signal)
  const listed = await $git`git ls-tree -z ${commit} ./ ${gatherings.map((name) => `${name}/`)}`
  const parts: Record<string, string> = {}
  for (const line of listed.stdout.split('\0')) {
    const match = /^\d+ tree ([0-9a-f]{40})\t(.+)$/.exec(line)
    if (match && !gatherings.includes(match[2]!)) parts[match[2]!] = match[1]!
  }
  return parts
}
