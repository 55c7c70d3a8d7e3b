import {
  detectLibc,
  oldestGlibc,
  type Platform,
  platformName,
  platformPackage,
  supportedPlatforms,
  thisPlatform,
} from './platform.ts'

/** Why an addon that should be there was not loaded. */
export interface Failure {
  readonly reason: string
  /** The system's message about a file that exists. */
  readonly cause?: unknown
}

/** A reason why an addon cannot be loaded. */
type Problem = 'node' | 'platform' | 'libc' | 'old-glibc' | 'cannot-load' | 'not-installed'

export interface Diagnosis {
  readonly problem: Problem
  readonly reason: string
  readonly advice: readonly string[]
  readonly cause?: unknown
}

/** The oldest version that the addons are tested with. */
const oldestNode = 20

const build = [
  'To build V8 and the binding from source, in a checkout of v8-rawmem:',
  '  npm run v8 -- all && npm run build:binding',
]
const buildNodeBackends = [
  "To build only the backends that use Node's own V8, in a checkout (Linux, a C++ compiler, half a minute):",
  '  npm run build:binding -- --node-backends',
]

/**
 * The command that fetches the binding, for the package manager that runs this process: npm refuses
 * to run in projects of others.
 */
export const fetchCommand = `${commandRunner()} v8-rawmem install`
const fetchPackage = ['To fetch it now:', `  ${fetchCommand}`]

function commandRunner(): string {
  const manager = process.env.npm_config_user_agent ?? ''
  if (manager.startsWith('pnpm/')) return 'pnpm exec'
  // Only Yarn has Plug'n'Play.
  if (manager.startsWith('yarn/') || process.versions.pnp) return 'yarn'
  return 'npx'
}

function describePlatform(platform: Platform): string {
  const { libc } = platform
  return `${platformName(platform)}${libc === null || libc === 'glibc' ? '' : ` (${libc})`}`
}

/** Why a platform is not supported, whatever is installed. */
export function refusal(platform: Platform): Diagnosis | undefined {
  const supported = supportedPlatforms()
  if (!supported.includes(platformName(platform))) {
    return {
      problem: 'platform',
      reason: `there is no prebuilt binding for this platform, ${describePlatform(platform)}; there is one for ${supported.join(', ')}`,
      advice: [
        'Run it on one of those, such as in a container or a virtual machine.',
        ...(platform.os === 'linux' ? buildNodeBackends : []),
      ],
    }
  }
  if (platform.libc !== null && platform.libc !== 'glibc') {
    return {
      problem: 'libc',
      reason: `there is no prebuilt binding for ${platform.libc}, only for glibc`,
      advice: [
        `Alpine Linux has musl. Take an image that has glibc ${oldestGlibc} or newer, such as node:22-bookworm-slim.`,
        ...buildNodeBackends,
      ],
    }
  }
  return undefined
}

export function isNodeTooOld(): boolean {
  return Number.parseInt(process.versions.node, 10) < oldestNode
}

/** Why the addons of this platform could not be loaded. */
export function diagnose(failures: readonly Failure[]): Diagnosis {
  if (isNodeTooOld()) {
    return {
      problem: 'node',
      reason: `Node ${process.versions.node} is too old`,
      advice: [`Use Node ${oldestNode} or newer.`],
    }
  }
  const platform = thisPlatform()
  const refused = refusal(platform)
  if (refused) return refused
  // A file that failed to load explains more than a missing one.
  const failure = failures.find(({ cause }) => cause !== undefined) ?? failures[0]
  const glibc = /GLIBC_([\d.]+)' not found/.exec(failure?.reason ?? '')
  if (glibc) {
    return {
      problem: 'old-glibc',
      reason: `the C library here, glibc ${detectLibc().version ?? 'of an unknown version'}, is too old: the binding needs ${glibc[1]}`,
      advice: [
        'Use a newer system, such as Debian 11, Ubuntu 20.04 or Red Hat 8, or an image made from one.',
        ...build,
        ...buildNodeBackends,
      ],
      cause: failure?.cause,
    }
  }
  const name = platformName(platform)
  if (failure?.cause !== undefined) {
    return {
      problem: 'cannot-load',
      reason: failure.reason,
      advice: [
        'If the file is damaged, fetch it anew:',
        `  ${fetchCommand}`,
        ...build,
        ...buildNodeBackends,
      ],
      cause: failure.cause,
    }
  }
  if (failure !== undefined) {
    return {
      problem: 'not-installed',
      reason: failure.reason,
      advice: [...fetchPackage, ...build, ...buildNodeBackends],
    }
  }
  return {
    problem: 'not-installed',
    reason: `the package ${platformPackage(name)}, which has the binding for this platform, is not installed`,
    advice: [
      'It is an optional dependency: --omit=optional leaves it out, and so does a node_modules that was installed on',
      'another platform and copied here.',
      ...fetchPackage,
      ...build,
      ...buildNodeBackends,
    ],
  }
}

/** The error that says why there is no binding and what to do next. */
export function loadError(failures: readonly Failure[]): Error {
  const { reason, advice, cause } = diagnose(failures)
  return makeError(reason, advice, cause)
}

/** The same for the file that V8_RAWMEM_BINDING names, which is loaded on any platform. */
export function chosenBindingError(reason: string, cause?: unknown): Error {
  return makeError(reason, ['Correct V8_RAWMEM_BINDING, or unset it.'], cause)
}

function makeError(reason: string, advice: readonly string[], cause: unknown): Error {
  return new Error(
    [
      `v8-rawmem: ${reason}.`,
      `This is Node ${process.version} on ${describePlatform(thisPlatform())}.`,
      ...advice,
      'To use a binding from elsewhere, set V8_RAWMEM_BINDING to the path of its .node file.',
    ].join('\n  '),
    cause === undefined ? undefined : { cause },
  )
}
