// What the two addons, with V8 inside and without, have in common besides
// regions: the backends on Node's own V8. Plain Node-API throughout.

#ifndef BINDINGS_NATIVE_NODE_NODE_BACKENDS_H_
#define BINDINGS_NATIVE_NODE_NODE_BACKENDS_H_

#include <node_api.h>

namespace rawmem {

// Defines `exports.nodeBackends`. False, with an exception pending, on failure.
bool InitNodeBackends(napi_env env, napi_value exports);

// The backends' own parts of it. `exports` is `nodeBackends`.
bool InitRaw(napi_env env, napi_value exports);
bool InitRewire(napi_env env, napi_value exports);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_NODE_BACKENDS_H_
