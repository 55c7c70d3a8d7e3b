import type { Component, Digests } from './component.ts'
import {
  linkedDependencies,
  toolDependencies,
  type V8Inputs,
  v8Dependencies,
} from './dependencies.ts'
import { LockedPackages } from './npm-packages.ts'
import type { BuildClaim, Dependency } from './statement.ts'

/** The packages whose headers are compiled into the addons. */
export const headerPackages = ['node-api-headers'] as const

/** What decides an addon's bytes. */
export interface AddonInputs {
  readonly name: string
  /** Hash of the binding's own sources. */
  readonly sources: string
  readonly compiler: string
  readonly libraries: Readonly<Record<string, string>>
  /** What is in it. */
  readonly components: readonly Component[]
  /** For the addon with V8 inside. */
  readonly v8?: V8Inputs & {
    /** Hash of the SDK's manifest. */
    readonly sdk: string
    readonly modified: boolean
  }
}

/** How an addon was made; the packages whose headers it includes are those that the project's package-lock.json pins. */
export async function claimOfAddon(
  project: string,
  inputs: AddonInputs,
): Promise<Omit<BuildClaim, 'artifact' | 'bill'>> {
  const { name, sources, components, v8 } = inputs
  const locked = await LockedPackages.read(project)
  return {
    kind: 'addon',
    parameters: {
      addon: name,
      ...(v8 && { v8: v8.pin.v8.version, modified: v8.modified }),
    },
    dependencies: [
      { name: 'sources of the binding', digest: { sha256: sources } },
      ...(v8 ? [{ name: 'manifest.json of the SDK', digest: { sha256: v8.sdk } }] : []),
      ...(v8 ? v8Dependencies(v8) : []),
      ...headerPackages.map((header) => packageDependency(locked.component(header))),
      ...toolDependencies(inputs),
      ...linkedDependencies(components),
    ],
  }
}

function packageDependency({ name, purl, digests }: Component): Dependency {
  return { name, ...(purl && { uri: purl }), ...(hasAny(digests) && { digest: digests }) }
}

function hasAny(digests: Digests): boolean {
  return digests.sha256 !== undefined || digests.sha512 !== undefined
}
