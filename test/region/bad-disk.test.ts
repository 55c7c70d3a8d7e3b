// Disks are mounted where only the process that uses them sees them, and are gone with it.
import test, { type ExecutionContext } from 'ava'
import { systemPage } from '../support/page-size.ts'
import { runScript } from '../support/run-script.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const advice =
  'cannot be accessed: the file was cut short while it was mapped, its medium failed, or the disk is full'

const notMounted = 77
/** How shells and `env` end when there is no such command. They say which on standard error. */
const noCommand = 127

/** @param mount commands of a shell that make the folder `disk` one */
async function onDisk(t: ExecutionContext, what: string, mount: readonly string[], root = false) {
  const folder = temporaryFolder(t)
  const commands = [
    'set -e',
    `mount() { command mount "$@" || exit ${notMounted}; }`,
    'cd "$0"',
    'mkdir disk',
    ...mount,
    'exec "$@"',
  ]
  const namespace = ['env', 'unshare', '--mount', ...(root ? [] : ['--map-root-user'])]
  const { exitCode, stdout, stderr } = await runScript(
    new URL('bad-disk-process.ts', import.meta.url),
    { args: [folder, what], within: [...namespace, 'sh', '-c', commands.join('\n'), folder] },
  )
  if (exitCode === noCommand) {
    t.log(`left out, as a command is missing: ${stderr}`)
    return undefined
  }
  if (exitCode === notMounted || stderr.startsWith('unshare: ')) {
    t.log(`left out, as no disk can be mounted here: ${stderr}`)
    return undefined
  }
  t.is(exitCode, 0, stderr)
  return JSON.parse(stdout)
}

test('a program that fills a disk by a sparse file traps where it is full', async (t) => {
  const result = await onDisk(t, 'full', ['mount -t tmpfs -o size=1m tmpfs disk'])
  if (result === undefined) return t.pass()
  t.deepEqual(result, {
    trapped: `RuntimeError: memory access out of bounds: byte end of 'file' ${advice}`,
    hasStored: true,
    again: 7,
    view: 0,
    isDamaged: true,
  })
})

test('a program whose medium fails traps', async (t) => {
  const mount = [
    'truncate -s 16m image',
    'mkfs.ext4 -q image',
    'mount -o loop image disk',
    'head -c 4194304 /dev/zero | tr "\\0" "\\7" > disk/file',
    // Forgets what it has in memory of the file.
    'umount disk',
    'mount -o loop image disk',
  ]
  const result = await onDisk(t, 'broken', mount, true)
  if (result === undefined) return t.pass()
  t.deepEqual(result, {
    before: 7,
    trapped: `RuntimeError: memory access out of bounds: byte 4194303 of 'file' ${advice}`,
    again: 7,
    view: 0,
    damaged: 4194304 - systemPage,
  })
})
