import { setTimeout as sleep } from 'node:timers/promises'

/** How failures of the network are met. */
export interface RetryPolicy {
  /** How many times in a row nothing at all may be gained. */
  readonly attempts: number
  /** The pause before the second attempt, doubled before each further one. */
  readonly firstPauseMilliseconds: number
}

/**
 * Does `work` again until it succeeds. What an attempt has gained must stay, so that the next one does the rest.
 *
 * @param gained a number that has grown when the last attempt was not in vain
 * @param onFailure throws the error that it all ends with, or tells of a failure that is followed by another attempt
 */
export async function retry(
  work: () => Promise<void>,
  {
    attempts,
    firstPauseMilliseconds,
    gained,
    onFailure,
  }: RetryPolicy & {
    gained(): number | Promise<number>
    onFailure(error: unknown, isLast: boolean, seconds: number): void
  },
): Promise<void> {
  let failures = 0
  let before = await gained()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const now = await gained()
      failures = now > before ? 1 : failures + 1
      before = now
      const pause = firstPauseMilliseconds * 2 ** (failures - 1)
      onFailure(error, failures >= attempts, Math.ceil(pause / 1000))
      await sleep(pause)
    }
  }
}
