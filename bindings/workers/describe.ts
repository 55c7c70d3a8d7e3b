/** Imports or exports, for messages. */
export function describe(
  things: readonly { name: string; kind: string; module?: string }[],
): string {
  const shown = things.map(
    ({ module, name, kind }) => `${module === undefined ? '' : `${module}.`}${name} (${kind})`,
  )
  return shown.length === 0 ? 'none' : shown.join(', ')
}
