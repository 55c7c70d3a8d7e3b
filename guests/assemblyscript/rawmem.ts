// Host windows of v8-rawmem, for AssemblyScript. docs/guests.md in the package has whole programs.
//
// A window shows a part of a region of the host's memory, such as a mapped file, at a fixed address
// above the program's own memory: load<f64>(address(0) + offset). Nothing is copied. There are
// eight windows, 0 to 7. What a window shows is valid until the next call of `next` or `map` for the
// same window; an access behind its end traps.

// @ts-ignore: a decorator of AssemblyScript
@external("rawmem", "next")
declare function importNext(window: i32, consumed: i32): i32

// @ts-ignore: a decorator of AssemblyScript
@external("rawmem", "map")
declare function importMap(window: i32, offset: i64, length: i32): i32

// @ts-ignore: a decorator of AssemblyScript
@external("rawmem", "size")
declare function importSize(window: i32): i64

// @ts-ignore: a decorator of AssemblyScript
@external("rawmem", "progress")
declare function importProgress(window: i32, position: i64): void

/** For `next`: all bytes of the last chunk are used up. */
export const ALL: usize = usize.MAX_VALUE

/** Where a window begins, whatever it shows. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function address(window: i32): usize {
  return (<usize>0x80000000) + ((<usize>window) << 28)
}

/**
 * Brings on the next chunk of the region of `window`.
 *
 * @param consumed Bytes of the last chunk that are used up: the next chunk begins behind them, so a
 *   record that the end of the last chunk has cut is whole then. The first call ignores it.
 * @returns the bytes of the chunk, 0 at the end of the region.
 */
export function next(window: i32, consumed: usize = ALL): usize {
  return <usize>(<u32>importNext(window, <i32>consumed))
}

/**
 * Shows `length` bytes of the region of `window` from byte `offset` on: for access in any order, and
 * for columns that are read in lockstep. `next` goes on where it was.
 *
 * @returns the bytes that are there; fewer where the region ends.
 */
export function map(window: i32, offset: u64, length: usize): usize {
  return <usize>(<u32>importMap(window, <i64>offset, <i32>length))
}

/** The bytes of the region of `window`. */
export function size(window: i32): u64 {
  return <u64>importSize(window)
}

/**
 * Says that the program is done with the first `position` bytes of the region of `window`, for who
 * watches it. It changes nothing else. Some hundred calls in a run are enough.
 */
export function progress(window: i32, position: u64): void {
  importProgress(window, <i64>position)
}
