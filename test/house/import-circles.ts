import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

/** What counts as one place that imports another. */
export type Granularity = 'folder' | 'file'

/**
 * The circles of imports between the folders below `root`, or between its files, type imports included: who reads one place
 * of a circle has to read all of them. What lies in `root` itself is a folder as well, named ".".
 *
 * @returns each circle as the places on the way around, with the import that leads to the next one
 */
export function importCircles(root: string, granularity: Granularity): string[] {
  const graph = new Map<string, Map<string, string>>()
  for (const file of sourceFiles(root)) {
    const from = placeOf(root, file, granularity)
    for (const target of importsOf(root, file)) {
      const to = placeOf(root, target, granularity)
      if (from === to) continue
      const known = graph.get(from) ?? new Map<string, string>()
      known.set(to, known.get(to) ?? `${relative(root, file)} imports ${relative(root, target)}`)
      graph.set(from, known)
    }
  }
  const circles: string[] = []
  for (const group of tangles(graph)) circles.push(shortestCircle(graph, group))
  return circles.sort()
}

function placeOf(root: string, file: string, granularity: Granularity): string {
  return granularity === 'file' ? relative(root, file) : relative(root, dirname(file)) || '.'
}

function sourceFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/(build|node_modules)\//.test(relative(root, file)))
    .sort()
}

/** The files below `root` that a file imports, by its `import` and `export … from`, and by `import()` of a fixed name. */
function importsOf(root: string, file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?(?:\bfrom\s+)?'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'/gm,
  )
  return [...found]
    .map((match) => normalize(join(dirname(file), (match[1] ?? match[2])!)))
    .filter((target) => !relative(root, target).startsWith('..') && existsSync(target))
}

/** The groups of places each of which leads to all others of its group (Tarjan's strongly connected components). */
function tangles(graph: ReadonlyMap<string, ReadonlyMap<string, string>>): string[][] {
  const groups: string[][] = []
  const number = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const visit = (place: string) => {
    number.set(place, number.size)
    lowest.set(place, number.get(place)!)
    open.push(place)
    for (const next of graph.get(place)?.keys() ?? []) {
      if (!number.has(next)) visit(next)
      if (open.includes(next)) lowest.set(place, Math.min(lowest.get(place)!, lowest.get(next)!))
    }
    if (lowest.get(place) !== number.get(place)) return
    const group = open.splice(open.indexOf(place))
    if (group.length > 1) groups.push(group)
  }
  for (const place of graph.keys()) if (!number.has(place)) visit(place)
  return groups
}

/** One way around within a group, the shortest, so that the message shows what to cut. */
function shortestCircle(
  graph: ReadonlyMap<string, ReadonlyMap<string, string>>,
  group: readonly string[],
): string {
  const ways = group.map((start) => wayBack(graph, start)).filter((way) => way !== undefined)
  const [shortest] = ways.sort((a, b) => a.length - b.length)
  return shortest!.join('\n  ')
}

function wayBack(
  graph: ReadonlyMap<string, ReadonlyMap<string, string>>,
  start: string,
): string[] | undefined {
  const ways: { at: string; way: string[] }[] = [{ at: start, way: [] }]
  const seen = new Set<string>()
  for (const { at, way } of ways) {
    for (const [next, because] of graph.get(at) ?? []) {
      if (next === start) return [...way, because]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push({ at: next, way: [...way, because] })
    }
  }
  return undefined
}
