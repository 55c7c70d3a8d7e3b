/** What the README.chromium or README.v8 of a folder in third_party says. */
export interface ThirdPartyReadme {
  readonly name: string
  readonly licence?: string
  readonly website?: string
  readonly version?: string
  readonly revision?: string
}

/** Reads the fields at the head of such a file; `N/A` and references to other files are left out. */
export function parseThirdPartyReadme(text: string): ThirdPartyReadme {
  const head = text.split(/^\s*(?:Description|Local Modifications):/im)[0]!
  const field = (name: string) => {
    const value = new RegExp(`^${name}:[ \t]*(.+)$`, 'im').exec(head)?.[1]?.trim()
    return value && !/^(N\/A|DEPS|unknown)$/i.test(value) ? value : undefined
  }
  const licence = field('License')
  const website = field('URL')
  const version = field('Version')?.replace(/^(?:upstream\/)?v(?=\d)/, '')
  const revision = field('Revision')
  return {
    name: field('Short Name') ?? field('Name') ?? '',
    ...(licence && { licence }),
    ...(website && { website }),
    ...(version && { version }),
    ...(revision && { revision }),
  }
}
