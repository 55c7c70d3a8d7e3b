// One node of Slurm on the loopback interface: an array of eight tasks, and a job that merges.

import { match, strictEqual } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { Daemons, freePorts } from './daemons.ts'
import { blocks } from './page.ts'
import type { TaskFolder } from './task-folder.ts'

const sample = new URL('../../samples/cluster/slurm/part.sh', import.meta.url)

function configuration(folder: string, [controller, node]: number[]): string {
  const [host] = hostname().split('.')
  const user = userInfo().username
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${node}
SlurmUser=${user}
SlurmdUser=${user}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
# A job that is queued again waits until its credential has expired, two minutes by default.
AuthInfo=socket=${folder}/munge.socket,cred_expire=5
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=node NodeHostname=${host} NodeAddr=127.0.0.1 CPUs=2
PartitionName=all Nodes=ALL Default=YES
`
}

class Slurm {
  private readonly daemons = new Daemons()
  private readonly folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-slurm-'))
  private readonly env = { ...process.env, SLURM_CONF: join(this.folder, 'slurm.conf') }

  async start(signal: AbortSignal): Promise<void> {
    const at = (name: string) => join(this.folder, name)
    // munged wants others to reach its socket.
    execFileSync('chmod', ['755', this.folder])
    mkdirSync(at('state'))
    mkdirSync(at('spool'))
    writeFileSync(at('munge.key'), randomBytes(128), { mode: 0o400 })
    writeFileSync(this.env.SLURM_CONF, configuration(this.folder, await freePorts(2)))
    const munged = [
      ...['munged', '--foreground', `--key-file=${at('munge.key')}`],
      ...[`--socket=${at('munge.socket')}`, `--pid-file=${at('munged.pid')}`],
      ...[`--seed-file=${at('munge.seed')}`, `--log-file=${at('munged.file.log')}`],
    ]
    const env = { ...this.env, PATH: `${process.env.PATH}:/usr/sbin` }
    this.daemons.start(munged, at('munged.log'), { env })
    this.daemons.start(['slurmctld', '-D'], at('slurmctld.log'), { env })
    this.daemons.start(['slurmd', '-D', '-N', 'node'], at('slurmd.log'), { env })
    const isIdle = () => this.tryRun('sinfo', '--noheader', '--format=%T').trim() === 'idle'
    await this.daemons.until('no node is idle', isIdle, signal)
  }

  run(command: string, ...words: string[]): string {
    return execFileSync(command, words, { env: this.env, encoding: 'utf8', stdio: 'pipe' })
  }

  private tryRun(command: string, ...words: string[]): string {
    try {
      return this.run(command, ...words)
    } catch {
      return ''
    }
  }

  /** Runs lines of the page in the folder, and waits until no job is left. */
  async submit(lines: string, folder: TaskFolder, signal: AbortSignal): Promise<void> {
    execFileSync('bash', ['-ec', lines], { cwd: folder.path, env: this.env, stdio: 'pipe' })
    const isEmpty = () => this.run('squeue', '--noheader').trim() === ''
    await this.daemons.until('jobs are left', isEmpty, signal)
  }

  async stop(): Promise<void> {
    this.tryRun('scancel', '--user', userInfo().username)
    await this.daemons.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function testSlurm(
  folder: TaskFolder,
  said: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [runAll, runMissing] = blocks('Slurm', 'sh') as [string, string]
  copyFileSync(sample, folder.at('part.sh'))
  const slurm = new Slurm()
  try {
    await slurm.start(signal)
    folder.failPart(3, 2)
    await slurm.submit(runAll, folder, signal)
    strictEqual(folder.failuresLeft(3), 0)
    match(folder.read('part-3.log'), /Killed[\s\S]*Killed[\s\S]*1 worker/)
    strictEqual(folder.read('sum.txt'), `${folder.sum}\n`)
    said('an array of 8 tasks, of which one is killed twice, and their sum')

    rmSync(folder.at('sum.txt'))
    folder.failPart(3, 3)
    await slurm.submit(runAll, folder, signal)
    strictEqual(folder.failuresLeft(3), 0)
    strictEqual(folder.read('sum.txt'), '', 'merged without part 3')
    await slurm.submit(runMissing, folder, signal)
    strictEqual(folder.read('sum.txt'), `${folder.sum}\n`)
    said('a task that always fails, its part on its own, and the sum')
  } finally {
    await slurm.stop()
  }
}
