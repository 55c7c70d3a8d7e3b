import { join } from 'node:path'
import { npmEnvironment } from '../../cli/install/npm.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { $ } from '../shared/shell.ts'
import { sayStage } from '../shared/terminal.ts'
import { type Release, readRelease } from './release-manifest.ts'

interface PublishOptions {
  /** Where the release is. */
  readonly folder: string
  /** Undefined: the one that npm is set up with. */
  readonly registry: string | undefined
  readonly tag: string
  /** Does all but the last step. */
  readonly dryRun: boolean
}

/** Publishes the packages of a release, those of the platforms first; what is there already is left as it is. */
export async function publishRelease(options: PublishOptions): Promise<void> {
  const { folder, tag, dryRun } = options
  const release = await readRelease(folder)
  const registry = options.registry ?? (await configuredRegistry())
  requireMayBePublished(release, registry)
  for (const { name, version, filename, integrity } of release.packages) {
    const spec = `${name}@${version}`
    const there = await publishedIntegrity(spec, only(registry, name))
    if (there === integrity) {
      sayStage('release', `${spec} is there already`)
      continue
    }
    if (there !== undefined) {
      throw new AdvisedError(
        `The registry has another ${spec}: ${there}, not ${integrity}.`,
        'A version is published once. Raise the version, make the release again, and publish that.',
      )
    }
    sayStage('release', `publishing ${spec} as ${tag}${dryRun ? ' (not really)' : ''}`)
    const published = await npm({
      // npm may ask for a password.
      stdio: ['inherit', 'inherit', 'inherit'],
    })`npm publish ${join(folder, filename)} --access=public --tag=${tag} ${only(registry, name)} ${dryRun ? ['--dry-run'] : []}`
    if (published.exitCode !== 0) {
      throw new AdvisedError(
        `npm could not publish ${spec}; what it says is above.`,
        'Mend that and run the same command again: what is published already is left as it is.',
      )
    }
  }
}

function npm(more: { stdio?: ['inherit', 'inherit', 'inherit'] } = {}) {
  return $({ nothrow: true, env: npmEnvironment(), ...more })
}

/** Options that make npm use this registry, even where its configuration has another one for the scope. */
function only(registry: string, name: string): string[] {
  const scope = /^@[^/]+/.exec(name)
  return [`--registry=${registry}`, ...(scope ? [`--${scope}:registry=${registry}`] : [])]
}

async function configuredRegistry(): Promise<string> {
  return (await npm()`npm config get registry`).stdout.trim()
}

/** A snapshot is for trying out, on this machine. */
function requireMayBePublished({ snapshot }: Release, registry: string): void {
  if (!snapshot || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(registry).hostname)) {
    return
  }
  throw new AdvisedError(
    'This release is a snapshot: it goes to a registry on this machine and nowhere else.',
    'Make one from a commit: "npm run release" without --snapshot.',
  )
}

/** Of the version that the registry has; undefined if it has none. */
async function publishedIntegrity(
  spec: string,
  where: readonly string[],
): Promise<string | undefined> {
  const asked = await npm()`npm view ${spec} dist.integrity --json --prefer-online ${where}`
  if (asked.exitCode === 0) {
    return asked.stdout.trim() === '' ? undefined : String(JSON.parse(asked.stdout))
  }
  if (/\bE404\b/.test(asked.stdall)) return undefined
  throw new AdvisedError(
    `The registry cannot be asked for ${spec}:\n${asked.stderr.trim()}`,
    'Look at --registry, the network and your login ("npm whoami").',
  )
}
