// The entry point of the addon with V8 inside.

#include <node_api.h>

#include "chunk_feeder.h"
#include "common/region.h"
#include "host_windows.h"
#include "node/node_backends.h"
#include "web_assembly.h"

NAPI_MODULE_INIT() {
  if (!rawmem::InitRegion(env, exports) ||
      !rawmem::InitNodeBackends(env, exports) ||
      !rawmem::InitWebAssembly(env, exports) ||
      !rawmem::ChunkFeeder::Init(env, exports) ||
      !rawmem::HostWindowFunction::Init(env, exports)) {
    return nullptr;
  }
  return exports;
}
