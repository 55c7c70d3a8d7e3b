/** Arguments with which Node runs TypeScript, and takes the package from its sources. */
export const typescript: readonly string[] = [
  `--import=${new URL('../../build-scripts/typescript.js', import.meta.url)}`,
  '--conditions=v8-rawmem-source',
]
