/** A line of the result: what it is about, and what there is to say. */
export function say(label: string, text: string): void {
  console.log(`${label.padEnd(10)} ${text}`)
}

/** `1234567` as `1,234,567`. */
export function formatCount(value: number | bigint): string {
  return value.toLocaleString('en-US')
}

/** Seconds since `start`, which `performance.now()` gave. */
export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000
}
