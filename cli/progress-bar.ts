import { SingleBar } from 'cli-progress'
import { formatByteSize } from './byte-size.ts'

export interface ProgressBar {
  update(position: number): void
  /** Leaves the cursor at the beginning of a line. */
  stop(): void
}

/** A progress bar on stderr if that is a terminal. */
export function startProgressBar(byteLength: number): ProgressBar {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
  const started = performance.now()
  const say = (position: number) => ({
    done: formatByteSize(position),
    speed: formatSpeed(position, (performance.now() - started) / 1000),
  })
  const bar = new SingleBar({
    format: `{bar} {percentage} %  {done} of ${formatByteSize(byteLength)}  {speed}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    stream: process.stderr,
    // Restores the terminal however the program ends.
    linewrap: true,
    hideCursor: null,
  })
  bar.start(byteLength, 0, say(0))
  return {
    update: (position) => bar.update(position, say(position)),
    stop: () => bar.stop(),
  }
}

export function formatSpeed(bytes: number, seconds: number): string {
  const speed = bytes / Math.max(seconds, 1e-9)
  return speed < 1e8 ? `${(speed / 1e6).toFixed(2)} MB/s` : `${(speed / 1e9).toFixed(2)} GB/s`
}
