import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { BuildError } from '../build-error.ts'
import { type PackedPackage, readTarball } from './pack.ts'

/** Has publint look at a package as users get it, and takes warnings for errors. */
export async function lintPackage(folder: string, packed: PackedPackage): Promise<void> {
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: await readTarball(folder, packed) },
  })
  if (messages.length === 0) return
  throw new BuildError(
    `publint finds fault with ${packed.name}:\n  ${messages.map((message) => formatMessage(message, pkg, { color: false })).join('\n  ')}`,
    'Mend its package.json.',
  )
}
