import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { provideGn } from '../../build-scripts/configure/gn.ts'
import { fetchGn } from '../../build-scripts/fetch/gn-source.ts'
import { Sources } from '../../build-scripts/fetch/sources.ts'
import type { BuildContext } from '../../build-scripts/shared/context.ts'
import { say } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { type BuildProject, patchOfLine } from '../support/build-project.ts'
import { addPatch, makeCompilableProject } from '../support/compilable-project.ts'
import type { Loopback } from '../support/loopback.ts'
import { serveArchives } from './archive-server.ts'
import { type Artifact, differences, readArtifact } from './artifact.ts'
import { BuildRun, type Outcome, type RunOptions } from './build-run.ts'
import { type Stage, stages } from './stages.ts'
import { type Judgement, judge } from './verdict.ts'

/** The project's patches as they were at first, and with one more. */
export type Series = 'first' | 'second'

/** Which command: V8's stages to the SDK, or the addons. */
export type Build = 'all' | 'binding'

const secondPatch = '0002-wasm-say-SIX.patch'

/** The small project, its reference artifacts, and copies of everything to begin from. */
export class Workbench {
  /** What a build from nothing makes, for each series. */
  readonly references = new Map<Series, Artifact>()
  /** How long each stage takes, in milliseconds. */
  readonly durations = new Map<Stage, number>()

  private constructor(
    readonly project: BuildProject,
    readonly copies: string,
    readonly server: Loopback,
    readonly signal: AbortSignal,
  ) {}

  /** Makes the project and the reference artifacts in `folder`. */
  static async make(
    context: BuildContext,
    folder: string,
    signal: AbortSignal,
  ): Promise<Workbench> {
    await rm(folder, { recursive: true, force: true })
    const scratch = join(folder, 'tmp')
    await mkdir(scratch, { recursive: true })
    // Also for the builds: what a kill leaves in the folder for temporary files goes with it.
    process.env.TMPDIR = scratch
    await fetchGn(context, new Sources({}))
    const gn = await provideGn(context)
    const project = makeCompilableProject(gn, { padding: 300_000 })
    const server = await serveArchives(project.archives, 4_000_000)
    const bench = new Workbench(project, join(folder, 'copies'), server, signal)
    try {
      await bench.#makeReferences()
    } catch (error) {
      await server.close()
      throw error
    }
    return bench
  }

  async #makeReferences(): Promise<void> {
    for (const series of ['second', 'first'] as const) {
      await this.clear()
      await this.use(series)
      for (const build of ['all', 'binding'] as const) {
        const run = this.start(build)
        requireSuccess(await run.ended, `the reference build (${build})`)
        this.#measure(run, Date.now())
      }
      this.references.set(series, await this.artifact())
    }
    await this.save('first')
    if (differences(this.references.get('first')!, this.references.get('second')!).length === 0) {
      throw new AdvisedError('The second patch changes nothing.', 'Mend test/faults/workbench.ts.')
    }
    await this.use('second')
    for (const build of ['all', 'binding'] as const) {
      requireSuccess(await this.run(build), `the incremental build (${build})`)
    }
    const wrong = differences(this.references.get('second')!, await this.artifact())
    if (wrong.length > 0) {
      throw new AdvisedError(
        `An incremental build, with nothing going wrong, differs from one from nothing:\n${wrong.join('\n')}`,
        'Mend that first.',
      )
    }
    say(`reference: ${this.references.get('first')!.size} files of SDK and addons`)
  }

  #measure(run: BuildRun, end: number): void {
    const begun = stages
      .filter((stage) => run.begun.has(stage))
      .map((stage) => [stage, run.begun.get(stage)!] as const)
    begun.forEach(([stage, from], index) => {
      this.durations.set(stage, (begun[index + 1]?.[1] ?? end) - from)
    })
  }

  /** Starts a build as a person would, with the archives from a server. */
  start(build: Build, options?: RunOptions & { cache?: string; project?: string }): BuildRun {
    const { project } = this
    const places = [
      ...['--project', options?.project ?? project.project],
      ...['--cache', options?.cache ?? project.cache],
    ]
    const heard = { signal: this.signal, ...options }
    if (build === 'binding') return new BuildRun(['binding', ...places], heard)
    return new BuildRun([...places, 'all', ...this.archives], heard)
  }

  /** Starts some other command of the build. */
  startCommand(args: readonly string[], options?: RunOptions): BuildRun {
    const { project, cache } = this.project
    return new BuildRun(['--project', project, '--cache', cache, ...args], {
      signal: this.signal,
      ...options,
    })
  }

  get archives(): string[] {
    return ['chromium_1.0.orig.tar.xz', 'gn_1.0.orig.tar.gz'].flatMap((name) => [
      '--archive',
      `${this.server.url}${name}`,
    ])
  }

  async run(build: Build, options?: RunOptions): Promise<Outcome> {
    const outcome = await this.start(build, options).ended
    this.signal.throwIfAborted()
    return outcome
  }

  /** Runs the build to its end and compares what it made with the reference. */
  async judge(series: Series, builds: readonly Build[] = ['all']): Promise<Judgement> {
    const expected = this.references.get(series)!
    for (const build of builds) {
      const outcome = await this.run(build)
      if (outcome.code !== 0 || build === builds.at(-1)) {
        return judge(outcome, only(expected, builds), only(await this.artifact(), builds))
      }
    }
    throw new Error('no build was named')
  }

  expectedSdk(series: Series): Artifact {
    return only(this.references.get(series)!, ['all'])
  }

  async sdk(): Promise<Artifact> {
    return only(await this.artifact(), ['all'])
  }

  async artifact(): Promise<Artifact> {
    return await readArtifact({
      sdk: join(this.project.cache, 'sdk'),
      prebuilds: join(this.project.project, 'prebuilds'),
    })
  }

  /** Puts the project's patches in place. */
  async use(series: Series): Promise<void> {
    if (series === 'second') {
      addPatch(this.project, secondPatch, patchOfLine('[wasm] Say SIX', 'six', 'SIX', engineText))
    } else {
      await rm(join(this.project.project, 'patches', secondPatch), { force: true })
    }
  }

  /** Nothing is fetched or built yet. */
  async clear(): Promise<void> {
    this.signal.throwIfAborted()
    await rm(this.project.cache, { recursive: true, force: true })
    const native = 'bindings/native'
    for (const name of ['prebuilds', `${native}/patched/build`, `${native}/node/build`]) {
      await rm(join(this.project.project, name), { recursive: true, force: true })
    }
    await this.use('first')
  }

  /** Keeps cache and project as they are now. */
  async save(name: string): Promise<void> {
    await copyFolder(this.project.cache, join(this.copies, name, 'cache'))
    await copyFolder(this.project.project, join(this.copies, name, 'project'))
  }

  /** Puts everything back to where it was saved, times included. */
  async restore(name: string): Promise<void> {
    this.signal.throwIfAborted()
    await rm(this.project.cache, { recursive: true, force: true })
    await rm(this.project.project, { recursive: true, force: true })
    await copyFolder(join(this.copies, name, 'cache'), this.project.cache)
    await copyFolder(join(this.copies, name, 'project'), this.project.project)
  }

  async remove(): Promise<void> {
    await this.server.close()
    this.project.remove()
    await rm(this.copies, { recursive: true, force: true })
  }
}

// What the first series has made of src/engine.cc; patchOfLine wants the lines around a change.
const engineText = 'one\ntwo\nTWO AND THREE\nfour\nfive\nsix\nseven\nEIGHT\nnine\nten\n'

/** Times to the nanosecond, which ninja compares. */
async function copyFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await mkdir(to, { recursive: true })
  await promisify(execFile)('cp', ['--archive', `${from}/.`, to])
}

function requireSuccess(outcome: Outcome, what: string): void {
  if (outcome.code === 0) return
  throw new AdvisedError(
    `${what} failed:\n${outcome.stdout}${outcome.stderr}`,
    'Nothing was done to it: mend this first.',
  )
}

/** The part of an artifact that the builds make. */
function only(artifact: Artifact, builds: readonly Build[]): Artifact {
  if (builds.includes('binding')) return artifact
  return new Map([...artifact].filter(([path]) => path.startsWith('sdk/')))
}
