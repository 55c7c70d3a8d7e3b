// Prints which backend the package's plain exports are those of, and which addon is loaded.
import * as rawmem from 'v8-rawmem'
import { bindingPath } from '../../bindings/addon/load.ts'

const { name, WebAssembly, HostRegion, setWasmInstanceRawMemory } = rawmem.openBackend()
const same =
  rawmem.WebAssembly === WebAssembly &&
  rawmem.HostRegion === HostRegion &&
  rawmem.setWasmInstanceRawMemory === setWasmInstanceRawMemory
console.log(
  JSON.stringify({ name, same, addon: bindingPath.split('/').at(-1), v8: rawmem.version.v8 }),
)
