import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Measurement } from '../race.ts'
import type { ChildSetup, Job, Reply, Request } from './protocol.ts'

const program = fileURLToPath(new URL('./main.ts', import.meta.url))

/** A contender in a process of its own, since its flags concern a whole process. It runs when it is asked to. */
export class ContenderProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(
    setup: ChildSetup,
    env: Record<string, string> = {},
  ): Promise<ContenderProcess> {
    const child = fork(program, {
      env: { ...process.env, ...env },
      serialization: 'advanced',
    })
    const started = new ContenderProcess(child)
    await started.#ask({ setup })
    return started
  }

  async run(job: Job): Promise<Measurement> {
    return (await this.#ask({ job }))!
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }

  #ask(request: Request): Promise<Measurement | undefined> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const settle = () => {
        child.off('message', onMessage)
        child.off('exit', onExit)
        child.off('error', onError)
      }
      const onMessage = (reply: Reply) => {
        settle()
        if ('error' in reply) reject(new Error(`In a process of its own: ${reply.error}`))
        else resolve(reply.measurement)
      }
      const onError = (error: Error) => {
        settle()
        reject(error)
      }
      const onExit = (code: number | null, signal: string | null) =>
        onError(new Error(`The process of a contender ended: ${signal ?? `exit code ${code}`}`))
      child.on('message', onMessage)
      child.on('exit', onExit)
      child.on('error', onError)
      child.send(request)
    })
  }
}
