// The entry point of the addon without V8.

#include <node_api.h>

#include "common/region.h"
#include "node_backends.h"

NAPI_MODULE_INIT() {
  if (!rawmem::InitRegion(env, exports) ||
      !rawmem::InitNodeBackends(env, exports)) {
    return nullptr;
  }
  return exports;
}
