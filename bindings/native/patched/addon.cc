// The entry point of the addon with V8 inside.

#include <node_api.h>

#include "chunk_feeder.h"
#include "common/fault_range.h"
#include "common/region.h"
#include "cpu_profiler.h"
#include "host_windows.h"
#include "inspector.h"
#include "inspector_server.h"
#include "node/node_backends.h"
#include "v8-wasm-trap-handler-posix.h"
#include "v8-wasm.h"
#include "web_assembly.h"

NAPI_MODULE_INIT() {
  rawmem::FaultRange::SetEngine({.try_trap = v8::TryHandleWebAssemblyTrapPosix,
                                 .add_range = v8::AddWasmFaultRange,
                                 .remove_range = v8::RemoveWasmFaultRange});
  if (!rawmem::InitRegion(env, exports) ||
      !rawmem::InitNodeBackends(env, exports) ||
      !rawmem::InitWebAssembly(env, exports) ||
      !rawmem::ChunkFeeder::Init(env, exports) ||
      !rawmem::HostWindowFunction::Init(env, exports) ||
      !rawmem::CpuProfiler::Init(env, exports) ||
      !rawmem::Inspector::Init(env, exports) ||
      !rawmem::InspectorServer::Init(env, exports)) {
    return nullptr;
  }
  return exports;
}
