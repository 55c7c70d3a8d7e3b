#include "node_backends.h"

#include "node_feeder.h"
#include "window_target.h"

namespace rawmem {

bool InitNodeBackends(napi_env env, napi_value exports) {
  napi_value backends;
  return napi_create_object(env, &backends) == napi_ok &&
         InitWindowTarget(env, backends) && NodeFeeder::Init(env, backends) &&
         InitRaw(env, backends) && InitRewire(env, backends) &&
         napi_set_named_property(env, exports, "nodeBackends", backends) ==
             napi_ok;
}

}  // namespace rawmem
