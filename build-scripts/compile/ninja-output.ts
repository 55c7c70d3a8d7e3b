import { stepWeight } from './step-weights.ts'

/** Marks the lines that ninja itself writes; compilers do not write this character. */
const statusMark = '\u001e'

/** The value of NINJA_STATUS under which {@link NinjaOutput} understands what ninja writes. */
export const ninjaStatus = `${statusMark}%f/%t `

/** Follows what ninja writes when its output is no terminal: how far it is, and what failed. */
export class NinjaOutput {
  /** Steps that are done, and steps there are; the latter changes while ninja runs. */
  done = 0
  total = 0
  /** What the steps that are done weigh together. */
  doneWeight = 0
  /** Ninja found all results newer than their sources. */
  upToDate = false
  readonly #failures: string[][] = []
  #inFailure = false

  /** Takes one line, without its line end. */
  line(text: string): void {
    const status = new RegExp(`^${statusMark}(\\d+)/(\\d+) (.*)`).exec(text)
    if (status) {
      this.done = Number(status[1])
      this.total = Number(status[2])
      this.doneWeight += stepWeight(status[3]!)
      this.#inFailure = false
    } else if (text.startsWith('FAILED: ')) {
      this.#failures.push([text])
      this.#inFailure = true
    } else if (text.startsWith('ninja: ')) {
      this.#inFailure = false
      if (text === 'ninja: no work to do.') this.upToDate = true
      else if (!/^ninja: (Entering|build stopped)/.test(text)) this.#failures.push([text])
    } else if (this.#inFailure) {
      this.#failures.at(-1)!.push(text)
    }
  }

  /** What the steps that failed wrote: their names, their commands, and the compiler's messages. */
  get failures(): string[] {
    return this.#failures.map((lines) => lines.join('\n').trimEnd())
  }
}

/** A line of ninja's output as it should stand in the log: the status without its mark. */
export function forLog(text: string): string {
  return text.startsWith(statusMark) ? text.slice(1).replace(/^(\d+\/\d+) /, '[$1] ') : text
}
