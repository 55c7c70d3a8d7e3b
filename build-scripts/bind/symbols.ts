import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { put, withTemporaryFolder } from '../shared/files.ts'
import type { Target } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { tools } from '../shared/toolchain.ts'

/** Where gdb and perf look for the debug file of a build id, in a folder of debug files. */
export function debugFilePath(buildId: string): string {
  return `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`
}

/** The hash that the linker gave a binary, and that its debug file keeps. */
export async function readBuildId(binary: string): Promise<string> {
  const { stdout } = await $`readelf --notes --wide ${binary}`
  const id = /Build ID: ([0-9a-f]{40})$/m.exec(stdout)?.[1]
  if (id) return id
  throw new AdvisedError(
    `${binary} has no build id.`,
    'Link it with -Wl,--build-id=sha1 (bindings/native/*/binding.gyp).',
  )
}

/** Whether the debug file of an addon is in a folder of debug files. */
export async function hasDebugFile(addon: string, folder: string): Promise<boolean> {
  return existsSync(join(folder, debugFilePath(await readBuildId(addon))))
}

/** GNU's for the platform of an addon: it knows no other. */
export function objcopyFor({ cross }: Pick<Target, 'cross'>): string {
  const { command } = tools.objcopy
  return cross ? `${cross.triple}-${command}` : command
}

/**
 * Moves the symbols of an addon into its debug file. The addon keeps their build id, by which debuggers find the file, and
 * the file's name, so that they also find it beside the addon.
 *
 * @param name the addon's name where it is installed
 * @param folder of debug files
 * @param objcopy see {@link objcopyFor}
 */
export async function moveSymbols(
  addon: string,
  name: string,
  folder: string,
  objcopy: string,
): Promise<void> {
  await withTemporaryFolder(async (temporary) => {
    const debugFile = join(temporary, `${name}.debug`)
    await $`${objcopy} --only-keep-debug ${addon} ${debugFile}`
    await $`${objcopy} --strip-all --add-gnu-debuglink=${debugFile} ${addon}`
    await put(debugFile, join(folder, debugFilePath(await readBuildId(addon))))
  })
}
