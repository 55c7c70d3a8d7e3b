/**
 * Transfers a buffer within the thread, which Node 22 allows, Node 20 cannot, and Node 24 forbids for buffers of regions.
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
