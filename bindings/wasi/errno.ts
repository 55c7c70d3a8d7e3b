/** Of the numbers that calls of WASI return, those that are spoken of here. */
export const Errno = {
  Success: 0,
  Again: 6,
  BadDescriptor: 8,
  Fault: 21,
  Invalid: 28,
  NotSupported: 58,
} as const
