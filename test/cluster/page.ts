import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../../docs/cluster.md', import.meta.url), 'utf8')

/** The blocks of code in a section of docs/cluster.md that are in one language. */
export function blocks(section: string, language: string): string[] {
  const [, ...parts] = page.split(/^## /m)
  const text = parts.find((part) => part.startsWith(`${section}\n`)) ?? ''
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!)
}
