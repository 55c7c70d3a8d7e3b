import type * as api from '../../../types/web-assembly.d.ts'
import { checkOwnData, type ModuleLayout, moduleLayout } from '../module-layout.ts'
import { engine } from './engine.ts'
import { moduleOf } from './instance.ts'

const layouts = new WeakMap<api.Module, ModuleLayout>()

function layoutOf(module: api.Module): ModuleLayout {
  let layout = layouts.get(module)
  if (layout === undefined) {
    try {
      layout = moduleLayout(new Uint8Array(engine.wireBytes(module)))
    } catch (error) {
      // Something newer than this package, of which nothing shows.
      if (!(error instanceof RangeError)) throw error
      layout = { memories: [], importsRawmem: false, importedFunctions: 0 }
    }
    layouts.set(module, layout)
  }
  return layout
}

/** Refuses to show a region in place of a memory in which `instance` keeps things itself. */
export function checkOwnDataOf(instance: api.Instance, memoryIndex: number): void {
  const module = moduleOf(instance)
  if (module !== undefined) checkOwnData(layoutOf(module).memories[memoryIndex], memoryIndex)
}
