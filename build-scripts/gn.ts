import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx'
import { findClang } from './clang.ts'
import { defaultJobs } from './compile/jobs.ts'
import { runNinja } from './compile/run-ninja.ts'
import type { BuildContext } from './context.ts'
import { renameDurably } from './durable-files.ts'
import { extract } from './fetch/extract.ts'
import { obtain } from './fetch/obtain.ts'
import { sha256OfJson } from './hash.ts'
import { isStamped, stamp } from './stamp.ts'
import { sayStage } from './terminal.ts'
import { clangTools, requireTools, tools } from './tools.ts'

/**
 * The path of the pinned GN, built from its source when the cache does not have it yet.
 *
 * @param named places of archives that the user named
 */
export async function provideGn(context: BuildContext, named: readonly string[]): Promise<string> {
  const { pin, cache, signal } = context
  const key = sha256OfJson({ source: pin.gn.archive.sha256, commit: pin.gn.commit })
  const folder = join(cache.toolchain, `gn-${key.slice(0, 12)}`)
  const program = join(folder, 'out', 'gn')
  const stampPath = join(folder, 'stamp.json')
  if (await isStamped(stampPath, key)) return program

  sayStage('configure', `building GN ${pin.gn.commit}`)
  await requireTools('building GN', [
    tools.tar,
    tools.gzip,
    tools.python,
    tools.ninja,
    tools.ar,
    ...clangTools(pin.toolchain.clang),
  ])
  const sourceStamp = join(folder, 'source.json')
  if (!(await isStamped(sourceStamp, key))) {
    const archive = await obtain(context, pin.gn.archive, named)
    const unpacking = `${folder}.unpacking`
    await rm(unpacking, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
    await extract(archive, unpacking, [], signal)
    await mkdir(dirname(folder), { recursive: true })
    await renameDurably(unpacking, folder)
    await stamp(sourceStamp, key)
  }
  await generate(folder, context)
  await runNinja({
    title: 'gn',
    folder: join(folder, 'out'),
    targets: ['gn'],
    jobs: defaultJobs(),
    logFolder: cache.logs,
    lockFd: context.lockFd,
    signal,
  })
  await $({ quiet: true })`sync --file-system ${folder}`
  await stamp(stampPath, key)
  return program
}

async function generate(folder: string, { pin, signal }: BuildContext): Promise<void> {
  const clang = await findClang(pin.toolchain.clang)
  // Warnings allowed: this clang warns of what libstdc++'s headers of the same distribution do.
  await $({
    quiet: true,
    cwd: folder,
    signal,
    env: { ...process.env, CC: clang.cc, CXX: clang.cxx, AR: 'ar' },
  })`python3 build/gen.py --no-last-commit-position --allow-warnings`
  await writeFile(
    join(folder, 'out', 'last_commit_position.h'),
    [
      '#ifndef OUT_LAST_COMMIT_POSITION_H_',
      '#define OUT_LAST_COMMIT_POSITION_H_',
      '#define LAST_COMMIT_POSITION_NUM 0',
      `#define LAST_COMMIT_POSITION "0 (${pin.gn.commit})"`,
      '#endif  // OUT_LAST_COMMIT_POSITION_H_',
      '',
    ].join('\n'),
  )
}
