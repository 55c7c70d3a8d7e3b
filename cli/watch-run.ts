import { formatByteSize } from '../terminal/byte-size.ts'
import { startProgress } from '../terminal/progress.ts'
import { formatSpeed } from './tell.ts'
import { type SeenRange, TouchedPages } from './touched-pages.ts'

/** Milliseconds between two looks at the pages. */
const interval = 200

/** What the threads say of their programs. */
interface Said {
  readonly position: number
  readonly windows: number
}

/** Shows how far a run is, also while its programs are in one window for long. */
export interface Watch {
  /** Windows shown so far. */
  readonly windows: number
  secondsSoFar(): number
  update(said: Said): void
  /** The run has gone well: all is done. */
  end(): void
  /** Ends the bar where it is. May be called again. */
  stop(): void
}

/** @param tellsItself Whether the program imports `rawmem.progress`: what it says is all then. */
export function watchRun(
  byteLength: number,
  ranges: readonly SeenRange[],
  tellsItself: boolean,
): Watch {
  const started = performance.now()
  const secondsSoFar = () => (performance.now() - started) / 1000
  const bar = startProgress('', byteLength, formatByteSize, {
    more: (position) => `  ${formatSpeed(position, secondsSoFar())}`,
    // Where there is no terminal, stderr is for the throughput alone.
    print() {},
  })
  const hasBar = process.stderr.isTTY && !tellsItself
  const pages = hasBar ? TouchedPages.of(ranges) : undefined
  let said: Said = { position: 0, windows: 0 }
  const position = (): number => {
    const touched = pages?.bytes()
    if (touched === undefined) return said.position
    // Programs that choose what they see have seen it, which does not mean that they are done.
    return said.windows > 0 ? Math.max(said.position, touched) : touched
  }
  const timer = setInterval(() => bar.update(position()), interval).unref()
  let hasStopped = false
  const stop = () => {
    if (hasStopped) return
    hasStopped = true
    clearInterval(timer)
    pages?.close()
  }
  return {
    get windows() {
      return said.windows
    },
    secondsSoFar,
    update(now) {
      said = now
      if (pages === undefined) bar.update(said.position)
    },
    end() {
      stop()
      bar.update(byteLength)
      bar.stop()
    },
    stop() {
      stop()
      bar.stop()
    },
  }
}
