import { execFile } from 'node:child_process'
import { access, constants, mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A file system mounted for a while. */
export interface Mount {
  remount(options: string): Promise<void>
  unmount(): Promise<void>
}

async function mount(options: readonly string[], folder: string): Promise<Mount> {
  await mkdir(folder, { recursive: true })
  await run('mount', [...options, folder])
  return {
    remount: async (changed) => {
      await run('mount', ['-o', `remount,${changed}`, folder])
    },
    // Lazily, for what a killed build has left running.
    unmount: async () => {
      await run('umount', ['--lazy', folder])
    },
  }
}

/** An empty disk in memory. */
export async function mountDisk(folder: string, size: string): Promise<Mount> {
  return await mount(['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs'], folder)
}

/** The folder over itself, so that it can be made read-only. */
export async function mountReadOnly(folder: string): Promise<Mount> {
  const mounted = await mount(['--bind', folder], folder)
  try {
    await mounted.remount('bind,ro')
    await requireReadOnly(folder)
    return mounted
  } catch (error) {
    await mounted.unmount()
    throw error
  }
}

/** A build that goes well has to have written nothing, not to have been free to write. */
async function requireReadOnly(folder: string): Promise<void> {
  const refusal = await access(folder, constants.W_OK).then(
    () => 'nothing',
    ({ code }: NodeJS.ErrnoException) => code,
  )
  if (refusal !== 'EROFS') {
    throw new Error(`${folder} is mounted read-only, and ${refusal} forbids writing to it`)
  }
}

/** Why nothing can be mounted here; undefined when it can. */
export async function whyNoMounts(folder: string): Promise<string | undefined> {
  try {
    await (await mountDisk(folder, '64k')).unmount()
    return undefined
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim() || String(error)
  }
}
