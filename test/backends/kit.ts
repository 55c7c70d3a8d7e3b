import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WebAssembly as api, Backend, HostRegion } from 'v8-rawmem'
import { wat } from '../support/wat.ts'
import { type Accessors, accessors, type Kit } from './feature.ts'

/** A kit for one feature, and what ends it. */
export function makeKit(backend: Backend): { kit: Kit; end(): void } {
  const regions: HostRegion[] = []
  const folders: string[] = []
  const { WebAssembly } = backend
  const compile = (text: string) => new WebAssembly.Module(wat(text))
  const instantiate = (text: string, imports?: api.Imports) =>
    new WebAssembly.Instance(compile(text), imports)
  const initial = (byteLength: number) =>
    backend.name === 'node-rewire' ? Math.ceil(byteLength / 65536) : 0
  const kit: Kit = {
    ...backend,
    initial,
    wat,
    compile,
    instantiate,
    accessors(byteLength, imports) {
      const instance = instantiate(accessors(initial(byteLength)), imports)
      return { instance, ...instance.exports } as unknown as Accessors
    },
    file(bytes) {
      const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-backends-'))
      folders.push(folder)
      const path = join(folder, 'data')
      writeFileSync(path, bytes)
      return path
    },
    region(region) {
      regions.push(region)
      return region
    },
  }
  return {
    kit,
    end() {
      for (const region of regions) {
        try {
          region.close()
        } catch {
          // Attached to an instance that the collector will take.
        }
      }
      for (const folder of folders) rmSync(folder, { recursive: true })
    },
  }
}
