import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Binding, EngineBinding } from './binding.ts'
import { tryToLoad } from './load-addon.ts'
import { chosenBindingError, type Failure, isNodeTooOld, loadError } from './load-error.ts'
import {
  type AddonFolder,
  engineAddon,
  installedFolder,
  nodeAddon,
  ownFolder,
  platformPackage,
  version,
} from './platform.ts'

interface Loaded {
  readonly binding: Binding
  readonly path: string
  /** Why the addon has no engine. */
  readonly withoutEngine: string | undefined
}

function isEngine(candidate: object): candidate is EngineBinding {
  return 'start' in candidate
}

function loadChosen(chosen: string): Loaded {
  const path = resolve(chosen)
  if (!existsSync(path)) {
    throw chosenBindingError(`V8_RAWMEM_BINDING names a file that does not exist: ${chosen}`)
  }
  const binding = tryToLoad(path)
  if ('reason' in binding) throw chosenBindingError(binding.reason, binding.cause)
  const withoutEngine = isEngine(binding)
    ? undefined
    : `V8_RAWMEM_BINDING names a binding without V8: ${chosen}`
  return { binding, path, withoutEngine }
}

type FindFolder = (name: string) => AddonFolder | undefined

/** A process loads one addon, so that all backends share one class HostRegion. */
function load(): Loaded {
  const chosen = process.env.V8_RAWMEM_BINDING
  if (chosen) return loadChosen(chosen)
  if (isNodeTooOld()) throw loadError([])
  const name = `${process.platform}-${process.arch}`
  const failures: Failure[] = []
  const folders = new Map<FindFolder, AddonFolder | undefined>()
  // Only as needed: to look for a package takes longer than to read this one.
  const folderBy = (find: FindFolder): AddonFolder | undefined => {
    if (folders.has(find)) return folders.get(find)
    let folder = find(name)
    if (folder?.version !== undefined && folder.version !== version) {
      failures.push({
        reason: `${platformPackage(name)} in ${folder.path} is version ${folder.version}, but this is v8-rawmem ${version}`,
      })
      folder = undefined
    }
    folders.set(find, folder)
    return folder
  }
  const wanted = process.env.V8_RAWMEM_BACKEND
  const small = wanted?.startsWith('node-') ?? false
  for (const addon of small ? [nodeAddon, engineAddon] : [engineAddon, nodeAddon]) {
    // A fetched addon can be there because the package's own is damaged.
    for (const find of [ownFolder, installedFolder]) {
      const folder = folderBy(find)
      if (folder === undefined) continue
      const path = join(folder.path, addon)
      const binding = tryToLoad(path)
      if ('reason' in binding) {
        failures.push(binding)
        continue
      }
      const withoutEngine = isEngine(binding)
        ? undefined
        : small
          ? `V8_RAWMEM_BACKEND is '${wanted}', for which the binding without V8 was loaded`
          : failures[0]?.reason
      return { binding, path, withoutEngine }
    }
  }
  throw loadError(failures)
}

const loaded = load()

/** The addon, loaded when this module is first imported. */
export const binding: Binding = loaded.binding

/** Its path. */
export const bindingPath: string = loaded.path

/** The addon's functions for the patched V8; undefined if it has none. */
export const engineBinding: EngineBinding | undefined = isEngine(loaded.binding)
  ? loaded.binding
  : undefined

/** Why there is no {@link engineBinding}. */
export const withoutEngine: string | undefined = loaded.withoutEngine
