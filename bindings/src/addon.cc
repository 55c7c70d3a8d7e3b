// The entry point of the addon.

#include <node_api.h>

#include "chunk_feeder.h"
#include "region.h"
#include "web_assembly.h"

NAPI_MODULE_INIT() {
  if (!rawmem::InitRegion(env, exports) ||
      !rawmem::InitWebAssembly(env, exports) ||
      !rawmem::ChunkFeeder::Init(env, exports)) {
    return nullptr;
  }
  return exports;
}
