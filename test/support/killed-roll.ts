import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { git, runV8, startV8, waitUntil } from './build-project.ts'
import { makeRollProject, newRelease, packRelease, type RollProject } from './roll-project.ts'

// The new release adds a line above all patches.
const lines = 'zero one two three four five six seven eight nine ten'.split(' ')
// With something to unpack, so that there is time to kill.
const release = { ...newRelease, lines, padding: 300_000 }

const places: Readonly<Record<string, (project: RollProject) => boolean>> = {
  'its beginning': ({ cache }) => existsSync(join(cache, 'roll/state.json')),
  unpacking: ({ cache }) => existsSync(join(cache, 'roll/unpacking/v8')),
  recording: ({ cache }) => existsSync(join(cache, 'roll/unpacking/v8/.git/index')),
  'the tree in its place': ({ newTree }) => existsSync(newTree),
  'the rebase': ({ newTree }) => existsSync(join(newTree, '.git/rebase-merge')),
  'the export': ({ cache }) => existsSync(join(cache, 'roll/after/patches')),
  'the copies of old files': ({ cache }) => existsSync(join(cache, 'roll/before/v8.lock.json')),
  'the install': ({ project }) =>
    JSON.parse(readFileSync(join(project, 'v8.lock.json'), 'utf8')).v8.version === newRelease.v8,
}

/** Where a roll can be killed: as soon as it has come so far. */
export const rollSteps: readonly string[] = Object.keys(places)

const roll = (project: RollProject, ...args: string[]) =>
  runV8(project, ['roll', '--archive', project.archives, ...args], project.environment)

async function withProject(work: (project: RollProject) => Promise<void>): Promise<void> {
  const project = makeRollProject({ padding: release.padding })
  try {
    packRelease(project.archives, release)
    await work(project)
  } finally {
    project.remove()
  }
}

/** Kills a roll with all its processes. */
async function killAt(project: RollProject, step: string): Promise<void> {
  const args = ['roll', '--archive', project.archives]
  const run = await startV8(project, args, project.environment)
  try {
    waitUntil(() => places[step]!(project))
  } finally {
    run.killAll()
    await run.ended
  }
  assert.equal((await run.ended).signal, 'SIGKILL', `ended before ${step}`)
}

let uninterrupted: Promise<Record<string, string>> | undefined
/** What the project has after a roll that nothing interrupts. */
async function rollUninterrupted(): Promise<Record<string, string>> {
  let result: Record<string, string> = {}
  await withProject(async (project) => {
    const { code, stderr } = await roll(project)
    assert.equal(code, 0, stderr)
    result = project.read()
  })
  return result
}

/** Kills a roll at a step, and runs it again: the result must be that of a roll that nothing interrupts. */
export async function goOnAfterKill(step: string): Promise<void> {
  uninterrupted ??= rollUninterrupted()
  const wanted = await uninterrupted
  await withProject(async (project) => {
    await killAt(project, step)
    // What a kill in the midst of writing leaves.
    writeFileSync(join(project.project, 'upstream/pin.json.new-1'), 'half a fi')
    if (step === 'the export') {
      const patches = join(project.cache, 'roll/after/patches/15.0/wasm')
      mkdirSync(patches, { recursive: true })
      writeFileSync(join(patches, '0001-wasm-Say-EIGHT.patch.new-1'), 'half a fi')
    }
    const { code, stderr } = await roll(project)
    assert.equal(code, 0, stderr)
    assert.deepEqual(project.read(), wanted)
    assert.equal(git(project.newTree, 'status', '--porcelain'), '')
    assert.ok(!existsSync(join(project.cache, 'roll')), 'the state of the roll is left')
  })
}

/** Kills a roll at a step, and gives it up: the project must be as before. */
export async function goBackAfterKill(step: string): Promise<void> {
  await withProject(async (project) => {
    const before = project.read()
    await killAt(project, step)
    const { code, stderr } = await roll(project, '--abort')
    assert.equal(code, 0, stderr)
    assert.deepEqual(project.read(), before)
    assert.ok(!existsSync(project.newTree), 'the new work tree is left')
  })
}
