import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { gnPlaces, isGnBuilt } from '../fetch/gn-source.ts'
import { compilerEnvironment } from '../shared/compiler-environment.ts'
import type { BuildContext } from '../shared/context.ts'
import { isStamped, stamp } from '../shared/files.ts'
import { sha256OfFile } from '../shared/hash.ts'
import { type CompilerWrapper, defaultJobs, runNinja } from '../shared/ninja.ts'
import type { Pin } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { sayStage } from '../shared/terminal.ts'
import { clangTools, requireTools, tools } from '../shared/toolchain.ts'

/** The path of the pinned GN, built when that is not done yet. */
export async function provideGn(
  context: BuildContext,
  ccWrapper?: CompilerWrapper,
): Promise<string> {
  const { pin, cache } = context
  const { key, folder, program, sourceStamp, builtStamp } = gnPlaces(context)
  if (await isGnBuilt(context)) return program
  if ((await isStamped(builtStamp, key)) || !(await isStamped(sourceStamp, key))) {
    throw new AdvisedError(
      `GN is not in ${folder}, or not as it was built.`,
      'Run: npm run v8 -- fetch, which brings its source.',
    )
  }
  sayStage('configure', `building GN ${pin.gn.commit}`)
  await requireTools('building GN', [
    tools.python,
    tools.ninja,
    tools.ar,
    ...clangTools(pin.toolchain.clang),
  ])
  await generateGn(context, folder, ccWrapper)
  await runNinja({
    title: 'gn',
    folder: join(folder, 'out'),
    targets: ['gn'],
    jobs: defaultJobs(),
    logFolder: cache.logs,
    ccWrapper,
  })
  await $`sync --file-system ${folder}`
  await stamp(builtStamp, key, await sha256OfFile(program))
  return program
}

/** The path of the pinned GN, for stages that come after the one that builds it. */
export async function requireGn(context: BuildContext): Promise<string> {
  const { program } = gnPlaces(context)
  if (await isGnBuilt(context)) return program
  throw new AdvisedError(
    `${program} is not there, or not as it was built.`,
    'Run: npm run v8 -- configure, which builds it, then the same command again.',
  )
}

async function generateGn(
  context: BuildContext,
  folder: string,
  ccWrapper: CompilerWrapper,
): Promise<void> {
  const { pin } = context
  const clang = await context.clang()
  const cxx = ccWrapper ? `${ccWrapper} ${clang.cxx}` : clang.cxx
  // Warnings allowed: this clang warns of what libstdc++'s headers of the same distribution do.
  await $({
    cwd: folder,
    env: { ...compilerEnvironment(), CC: clang.cc, CXX: cxx, AR: 'ar' },
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

/** What GN knows of a target or config in the configured build, one entry a line: `defines`, `libs`, ... */
export async function askGn(context: BuildContext, label: string, what: string): Promise<string[]> {
  const { cache, pin, target } = context
  const gn = await requireGn(context)
  const said = await $({
    cwd: cache.tree,
  })`${gn} desc ${target.buildDirectory} ${label} ${what} ${rootPatterns(pin)}`
  return said.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}

/** The options that tell GN which targets there are. */
export function rootPatterns(pin: Pin): string[] {
  return pin.build.rootPatterns.map((pattern) => `--root-pattern=${pattern}`)
}
