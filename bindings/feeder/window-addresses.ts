/** How many host windows memory 0 has. */
export const hostWindows = 8

/** Where window 0 begins. Addresses below are those of the own memory. */
export const hostWindowsBegin = 2 ** 31

/** Bytes of the chunks that a window shows, unless the program's host says otherwise. */
export const defaultHostWindowSize = 64 * 2 ** 20

/** Bytes from the beginning of a window to that of the next. */
const windowStride = 2 ** 28

/** Bytes behind each region that stay empty, unless the address space ends there. */
const windowGap = 2 ** 16

/**
 * Bytes that a region in `window` may have.
 *
 * @param next the window behind it that shows the next region, if there is one.
 */
export function windowRoom(window: number, next: number | undefined): number {
  return next === undefined
    ? (hostWindows - window) * windowStride
    : (next - window) * windowStride - windowGap
}
