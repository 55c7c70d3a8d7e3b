import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import { sdkLicences } from '../package/sdk-files.ts'
import { readSdkManifest } from '../package/sdk-manifest.ts'
import { hashTexts } from '../provenance/component.ts'
import { headerPackages } from '../provenance/describe-addon.ts'
import { LockedPackages } from '../provenance/npm-packages.ts'
import { type LicensedComponent, linkedComponents } from '../provenance/system-libraries.ts'

/** What is in an addon besides its own sources. */
export interface AddonParts {
  readonly parts: readonly LicensedComponent[]
  /** The refs of those that the addon takes in itself, rather than by V8. */
  readonly direct: readonly string[]
}

/**
 * @param linked the files of the system that the linker took
 * @param sdk the SDK that the addon with V8 inside was linked against
 */
export async function addonParts(
  project: string,
  linked: readonly string[],
  sdk: string | undefined,
): Promise<AddonParts> {
  const own = [...(await linkedComponents(linked)), ...(await packagesOfHeaders(project))]
  // What the linker took is known better than the same thing by its headers, so it comes first.
  return {
    parts: [...own, ...(sdk ? await partsOfSdk(sdk) : [])],
    direct: [...own.map((part) => part.component.ref), ...(sdk ? ['v8'] : [])].sort(),
  }
}

async function packagesOfHeaders(project: string): Promise<LicensedComponent[]> {
  const locked = await LockedPackages.read(project)
  return await Promise.all(
    headerPackages.map(async (name) => {
      const folder = join(project, 'node_modules', name)
      const file = ['LICENSE', 'LICENSE.md'].find((candidate) =>
        existsSync(join(folder, candidate)),
      )
      if (!file) {
        throw new BuildError(`There is no licence in ${folder}.`, 'Install what is missing: npm ci')
      }
      const licences = new Map([[`npm/${name}/${file}`, join(folder, file)]])
      return {
        component: { ...locked.component(name), texts: await hashTexts(licences) },
        licences,
      }
    }),
  )
}

async function partsOfSdk(folder: string): Promise<LicensedComponent[]> {
  const { components } = await readSdkManifest(folder)
  return components.map((component) => ({
    component,
    licences: new Map(component.texts.map(({ path }) => [path, join(folder, sdkLicences, path)])),
  }))
}
