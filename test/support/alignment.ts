/** Where JavaScript's Atomics need aligned addresses, an ArrayBuffer must begin at a multiple of this, in bytes. */
export const bufferAlignment = process.arch === 'arm64' ? 8 : 1

/** The nearest place at or before `offset` at which an ArrayBuffer can begin: on x64, `offset` itself. */
export const aligned = (offset: number): number => offset - (offset % bufferAlignment)
