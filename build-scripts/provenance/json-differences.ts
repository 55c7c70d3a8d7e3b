import type { Json } from '../hash.ts'

/** Where a document says something else than it should, and what; in the order of `expected`. */
export function jsonDifferences(expected: Json, found: Json | undefined, place = ''): string[] {
  if (isObject(expected) && isObject(found)) {
    return compareMembers(new Map(Object.entries(expected)), new Map(Object.entries(found)), place)
  }
  if (Array.isArray(expected) && Array.isArray(found)) {
    return compareMembers(byName(expected), byName(found), place)
  }
  if (expected === found) return []
  return [`${place}: is ${show(found)}, should be ${show(expected)}`]
}

function compareMembers(
  expected: ReadonlyMap<string, Json | undefined>,
  found: ReadonlyMap<string, Json | undefined>,
  place: string,
): string[] {
  const problems: string[] = []
  const at = (name: string) => (place ? `${place} › ${name}` : name)
  for (const [name, value] of expected) {
    if (value === undefined) continue
    if (found.has(name)) problems.push(...jsonDifferences(value, found.get(name), at(name)))
    else problems.push(`${at(name)}: is missing`)
  }
  for (const name of found.keys()) {
    if (!expected.has(name)) problems.push(`${at(name)}: should not be there`)
  }
  return problems
}

/** The items of a list by what each is called, or by its number. */
function byName(items: readonly Json[]): Map<string, Json> {
  const named = new Map<string, Json>()
  for (const [index, item] of items.entries()) {
    const name = isObject(item) ? (item['bom-ref'] ?? item.ref ?? item.name ?? item.url) : undefined
    const key = typeof name === 'string' && !named.has(name) ? name : String(index)
    named.set(key, item)
  }
  return named
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
