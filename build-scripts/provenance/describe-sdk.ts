import { basename } from 'node:path'
import { sha256OfFile } from '../hash.ts'
import { sdkLicences } from '../package/sdk-files.ts'
import type { SdkManifest } from '../package/sdk-manifest.ts'
import { component } from './component.ts'
import { toolDependencies, type V8Inputs, v8Dependencies } from './dependencies.ts'
import type { Description } from './documents.ts'

/** What is in an SDK's archive, by the manifest in it, and of what it was made. */
export async function describeSdk(
  archive: string,
  manifest: SdkManifest,
  inputs: V8Inputs,
): Promise<Description> {
  const name = basename(archive)
  return {
    bill: {
      artifact: component({
        ref: name,
        name,
        version: manifest.v8.version,
        licence: 'BSD-3-Clause',
        texts: ['LICENSE', 'LICENSE.v8'].map((path) => ({
          path,
          sha256: manifest.files[`${sdkLicences}${path}`]!,
        })),
        digests: { sha256: await sha256OfFile(archive) },
        needs: ['v8'],
      }),
      components: manifest.components,
      licences: sdkLicences,
    },
    claim: {
      kind: 'sdk',
      parameters: {
        v8: manifest.v8.version,
        platform: manifest.platform,
        args: manifest.args,
        modified: manifest.modified,
      },
      dependencies: [...v8Dependencies(inputs), ...toolDependencies(manifest)],
    },
  }
}
