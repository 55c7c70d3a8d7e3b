/** What a build is doing, as far as its output tells. */
export const stages = [
  'download',
  'extract',
  'record',
  'patch',
  'build GN',
  'configure',
  'compile',
  'package',
  'binding',
] as const
export type Stage = (typeof stages)[number]

const beginnings: readonly (readonly [RegExp, Stage])[] = [
  [/^fetch: .* from /, 'download'],
  // The second archive is the small one, GN's; after it the large one is unpacked.
  [/^download gn_|^download generate-ninja/, 'extract'],
  [/^Recording the sources/, 'record'],
  [/^patch: /, 'patch'],
  [/^configure: building GN/, 'build GN'],
  [/^configure: /, 'configure'],
  [/^compile: /, 'compile'],
  [/^package: /, 'package'],
  [/^build:binding: /, 'binding'],
]

/** The stage that begins with this line of a build's output. */
export function stageBegunBy(line: string): Stage | undefined {
  return beginnings.find(([pattern]) => pattern.test(line))?.[1]
}
