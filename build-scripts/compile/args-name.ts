/** GN's arguments, in the build directory. */
export const argsName = 'args.gn'
