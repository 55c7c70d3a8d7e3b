import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The processes of a scheduler, which end with the test. */
export class Daemons {
  private readonly started: { readonly child: ChildProcess; readonly log: string }[] = []

  /** @param log The file that gets what the process prints. */
  start(
    words: readonly string[],
    log: string,
    options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
  ): void {
    const output = openSync(log, 'a')
    const child = spawn(words[0]!, words.slice(1), {
      ...options,
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    // It has no process id then.
    child.once('error', () => {})
    this.started.push({ child, log })
  }

  /** Waits for something that comes true, as long as all processes live. */
  async until(
    what: string,
    isTrue: () => boolean | Promise<boolean>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const end = Date.now() + 600_000; !(await isTrue()); ) {
      signal.throwIfAborted()
      const dead = this.started.find(({ child }) => child.pid === undefined || !isRunning(child))
      if (dead === undefined && Date.now() < end) {
        await sleep(500)
        continue
      }
      const logs = dead === undefined ? this.started : [dead]
      throw new Error(
        `${what}: ${dead === undefined ? 'not in ten minutes' : `${dead.child.spawnfile} has ended`}\n${logs.map(({ log }) => readFileSync(log, 'utf8')).join('\n')}`,
      )
    }
  }

  /** Ends those that came last first. */
  async stop(): Promise<void> {
    for (const { child } of this.started.reverse()) {
      if (!isRunning(child)) continue
      child.kill()
      await Promise.race([once(child, 'exit'), sleep(10_000).then(() => child.kill('SIGKILL'))])
    }
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** Ports of the loopback interface that are free. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
