import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { $, which } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { buildSanitized } from '../sdk/sdk-tests.ts'

const asanOptions = [
  // V8 frees nothing at the end of a process.
  'detect_leaks=0',
  // Conservative scans of the stack must find what is on it.
  'detect_stack_use_after_return=0',
  // Node and V8 handle their own signals.
  'handle_segv=0',
  'handle_sigbus=0',
  'handle_abort=0',
  // Tests ask for more memory than there is.
  'allocator_may_return_null=1',
  'abort_on_error=1',
]

/** How sanitizers are to behave in any of this project's processes. */
export async function sanitizerEnvironment() {
  // A distribution's clang seeks the one of its own version only.
  const symbolizer = await which('llvm-symbolizer', { nothrow: true })
  const common = symbolizer ? [`external_symbolizer_path=${symbolizer}`] : []
  return {
    ASAN_OPTIONS: [...asanOptions, ...common].join(':'),
    UBSAN_OPTIONS: ['print_stacktrace=1', 'halt_on_error=1', ...common].join(':'),
    TSAN_OPTIONS: ['halt_on_error=1', ...common].join(':'),
  }
}

/** What test/sanitize/CMakeLists.txt builds. */
export interface SanitizedBuild {
  /** Of the addon and of the programs. */
  readonly folder: string
  /** In which Node uses the addon. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Builds the addon with sanitizers.
 *
 * @param variant of V8; left out, the one that is published
 */
export async function buildSanitizedAddon(
  output: (text: string) => void,
  variant?: string,
): Promise<SanitizedBuild> {
  const manifest = createRequire(import.meta.url).resolve('node-api-headers/package.json')
  const headers = join(dirname(manifest), 'include')
  const { folder, compiler } = await buildSanitized(headers, output, variant)
  const runtime = (await $`${compiler} -print-file-name=libclang_rt.asan-x86_64.so`).stdout.trim()
  if (!existsSync(runtime)) {
    throw new AdvisedError(
      `${compiler} brings no AddressSanitizer that can be loaded.`,
      'Install it, on Debian with: sudo apt-get install libclang-rt-22-dev',
    )
  }
  const environment = {
    ...(await sanitizerEnvironment()),
    V8_RAWMEM_BINDING: join(folder, 'v8-rawmem.node'),
    // Node itself has no sanitizer: it has to be there before the addon is.
    LD_PRELOAD: runtime,
  }
  return { folder, environment }
}
