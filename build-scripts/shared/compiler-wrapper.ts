import { basename } from 'node:path'

/** A program put in front of every compiler call: ccache, sccache, distcc, icecc. */
export type CompilerWrapper = string | undefined

/** Settings with which ccache caches precompiled headers, unless the user has set them. */
export function wrapperEnvironment(ccWrapper: CompilerWrapper): Record<string, string> {
  if (!ccWrapper || basename(ccWrapper) !== 'ccache' || process.env.CCACHE_SLOPPINESS) return {}
  return { CCACHE_SLOPPINESS: 'pch_defines,time_macros,include_file_mtime,include_file_ctime' }
}

/** The descriptor of the lock that compilers behind the wrapper may inherit. */
export function inheritedLock(
  ccWrapper: CompilerWrapper,
  lockFd: number | undefined,
): number | undefined {
  // sccache leaves a server behind, which would keep the lock for as long as it lives.
  return ccWrapper && basename(ccWrapper) === 'sccache' ? undefined : lockFd
}
