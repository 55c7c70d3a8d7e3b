/** Variables by which a user's shell or npm configuration would decide what is compiled, and nothing would record it. */
const deciding = [
  // Of make and gyp: programs and flags.
  /^(CC|CXX|CPP|LD|LINK|AR|AS|NM|RANLIB|READELF|STRIP|OBJCOPY)(_host|_target)?$/,
  /^(C|CPP|CXX|LD|AR|AS)FLAGS(_host|_target)?$/,
  /^(MAKEFILES|MAKEFLAGS|GNUMAKEFLAGS|MFLAGS|GYP_\w+)$/,
  // Of node-gyp: nodedir, arch, debug … Which Python runs gyp decides nothing.
  /^npm_(config|package_config_node_gyp)_(?!python$)/i,
  // Of compilers and linkers: where to look, what to change on the command line, what to write besides.
  /^(CPATH|C_INCLUDE_PATH|CPLUS_INCLUDE_PATH|LIBRARY_PATH|COMPILER_PATH|GCC_EXEC_PREFIX|LD_RUN_PATH)$/,
  /^(CCC_\w+|LDEMULATION|GNUTARGET|DEPENDENCIES_OUTPUT|SUNPRO_DEPENDENCIES|SOURCE_DATE_EPOCH)$/,
]

/** The environment for whatever compiles, without what would give other bytes for the same inputs. */
export function compilerEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !deciding.some((names) => names.test(name))),
  )
}
