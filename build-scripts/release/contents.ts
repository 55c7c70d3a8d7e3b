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
    ...['dist/bindings/inspector/server-main.js', 'dist/cli/install/main.js', 'dist/release.json'],
    ...['types/index.d.ts', 'bindings/index.ts'],
  ],
  budget: { size: 450_000, unpackedSize: 1_500_000 },
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

const sdkContents: Contents = {
  allowed: [
    /^(README\.md|package\.json|manifest\.json)$/,
    /^include\/[\w./-]+\.(h|json|pdl)$/,
    /^lib\/(libv8_monolith\.a|cmake\/v8-rawmem\/[\w-]+\.cmake|pkgconfig\/v8-rawmem\.pc)$/,
    /^share\/(doc\/)?v8-rawmem\/[\w.+/-]+$/,
  ],
  required: [
    ...['README.md', 'package.json', 'manifest.json', 'lib/libv8_monolith.a'],
    ...['lib/cmake/v8-rawmem/v8-rawmem-config.cmake', 'lib/pkgconfig/v8-rawmem.pc'],
    ...['include/v8-gn.h', 'include/v8-wasm.h', 'include/v8-rawmem/flags.h'],
    ...['include/inspector/Debugger.h', 'share/doc/v8-rawmem/LICENSE'],
  ],
  budget: { size: 25_000_000, unpackedSize: 140_000_000 },
}

const symbolsContents: Contents = {
  allowed: [
    /^(README\.md|LICENSE(\.v8)?|package\.json)$/,
    /^\.build-id\/[0-9a-f]{2}\/[0-9a-f]{38}\.debug$/,
  ],
  required: ['README.md', 'LICENSE', 'LICENSE.v8', 'package.json'],
  budget: { size: 3_000_000, unpackedSize: 20_000_000 },
}

function contentsOf(name: string): Contents {
  if (name.startsWith('@v8-rawmem/symbols-')) return symbolsContents
  if (name.startsWith('@v8-rawmem/sdk-')) return sdkContents
  return name.startsWith('@') ? platformContents : mainContents
}

/** Fails for a package that has what it should not have, lacks what it must have, or has become too large. */
export function checkContents(packed: PackedPackage): void {
  const { allowed, required, budget } = contentsOf(packed.name)
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
