/**
 * Transfers a buffer within the thread. Node 20 cannot; Node 24 refuses buffers of regions.
 *
 * @returns the buffer with the bytes; undefined where they stayed
 */
export function transfer(
  buffer: ArrayBuffer & { transfer?: () => ArrayBuffer },
): ArrayBuffer | undefined {
  try {
    return buffer.transfer?.()
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
