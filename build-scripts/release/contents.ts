import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { formatBytes } from '../shared/terminal.ts'
import type { PackedPackage } from './pack.ts'

interface Contents {
  /** What may be in it. */
  readonly allowed: readonly RegExp[]
  /** What must be in it. */
  readonly required: readonly string[]
  /** Of the tarball, and of all files in it. */
  readonly budget: { readonly size: number; readonly unpackedSize: number }
}

const mainContents: Contents = {
  allowed: [
    /^((README|CHANGELOG)\.md|LICENSE(\.v8)?|package\.json|install\.js|v8\.lock\.json)$/,
    /^(bindings|cli|terminal)\/[\w/-]+\.ts$/,
    /^guests\/(rawmem\.h|assemblyscript\/rawmem\.ts|rust\/(Cargo\.toml|rawmem\.rs))$/,
    /^dist\/release\.json$/,
    /^dist\/[\w/-]+\.js(\.map)?$/,
    /^types\/[\w-]+\.d\.ts$/,
  ],
  required: [
    ...['README.md', 'CHANGELOG.md', 'LICENSE', 'LICENSE.v8', 'package.json', 'install.js'],
    'v8.lock.json',
    ...['dist/bindings/index.js', 'dist/bindings/workers/thread-main.js', 'dist/cli/main.js'],
    ...['dist/cli/install/main.js', 'dist/release.json', 'types/index.d.ts', 'bindings/index.ts'],
  ],
  budget: { size: 250_000, unpackedSize: 1_000_000 },
}

const platformContents: Contents = {
  allowed: [
    /^(README\.md|package\.json|manifest\.json)$/,
    /^v8-rawmem(-node)?\.node(\.(cdx|intoto)\.json)?$/,
    /^licences\/[\w.+/-]+$/,
  ],
  required: ['README.md', 'package.json', 'manifest.json', 'v8-rawmem.node', 'v8-rawmem-node.node'],
  budget: { size: 13_000_000, unpackedSize: 36_000_000 },
}

/** Fails for a package that has what it should not have, lacks what it must have, or has become too large. */
export function checkContents(packed: PackedPackage): void {
  const { allowed, required, budget } = packed.name.startsWith('@')
    ? platformContents
    : mainContents
  const problems = [
    ...packed.files
      .filter((file) => !allowed.some((pattern) => pattern.test(file)))
      .map((file) => `${file} does not belong in it`),
    ...required.filter((file) => !packed.files.includes(file)).map((file) => `${file} is missing`),
    ...(['size', 'unpackedSize'] as const)
      .filter((key) => packed[key] > budget[key])
      .map(
        (key) =>
          `its ${key === 'size' ? 'tarball' : 'content'} has ${formatBytes(packed[key])}, more than ${formatBytes(budget[key])}`,
      ),
  ]
  if (problems.length === 0) return
  throw new AdvisedError(
    `${packed.name} is not as it should be:\n  ${problems.join('\n  ')}`,
    'Mend "files" in its package.json; what is meant to be there goes into build-scripts/release/contents.ts.',
  )
}

/** Has publint look at a package as users get it, and takes warnings for errors. */
export async function lintPackage(folder: string, packed: PackedPackage): Promise<void> {
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: new Uint8Array(await readFile(join(folder, packed.filename))).buffer },
  })
  if (messages.length === 0) return
  throw new AdvisedError(
    `publint finds fault with ${packed.name}:\n  ${messages.map((message) => formatMessage(message, pkg, { color: false })).join('\n  ')}`,
    'Mend its package.json.',
  )
}
