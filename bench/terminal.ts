import { styleText } from 'node:util'

const { stderr, stdout } = process

/** What is under way, on stderr: on a terminal one line that changes, elsewhere a line per race. */
export interface Status {
  suite(title: string): void
  step(what: string): void
  done(): void
}

export function startStatus(): Status {
  let suite = ''
  let last = ''
  let shown = 0
  const clear = () => stderr.write('\r\x1b[K')
  return {
    suite(title) {
      suite = title
    },
    step(what) {
      if (stderr.isTTY) {
        // Writing is work, too.
        if (performance.now() - shown < 50) return
        shown = performance.now()
        clear()
        stderr.write(`${suite}: ${what}`.slice(0, (stderr.columns ?? 80) - 1))
        return
      }
      const race = what.replace(/:.*/, '')
      if (race === last) return
      last = race
      stderr.write(`${suite}: ${race}\n`)
    },
    done() {
      if (stderr.isTTY) clear()
    },
  }
}

/** Text in bold, where standard output is a terminal that has it. */
export function bold(text: string): string {
  const plain = !stdout.isTTY || process.env.NO_COLOR || process.env.TERM === 'dumb'
  return plain ? text : styleText('bold', text)
}
