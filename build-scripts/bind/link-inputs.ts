import { readFile } from 'node:fs/promises'

/** The option that has a linker (lld, GNU ld from 2.35 on, mold) list the files it read. */
export function listInputsTo(path: string): string {
  return `-Wl,--dependency-file=${path}`
}

/** The object files and static libraries that the linker read from outside of these folders, by such a list. */
export async function linkedFromElsewhere(
  path: string,
  folders: readonly string[],
): Promise<string[]> {
  return inputsIn(await readFile(path, 'utf8')).filter(
    (file) => /^\/.*\.[ao]$/.test(file) && !folders.some((folder) => file.startsWith(`${folder}/`)),
  )
}

/** The prerequisites of a makefile's first rule. */
export function inputsIn(makefile: string): string[] {
  const rule = makefile.replaceAll('\\\n', ' ').split('\n')[0]!
  const words = rule.match(/(?:\\.|[^\s\\])+/g) ?? []
  const names = words.slice(1).map((word) => word.replace(/\\(.)/g, '$1'))
  return [...new Set(names)].filter((name) => name !== ':')
}
