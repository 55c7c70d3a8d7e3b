// The functions that bindings/backends/patched/*.ts build the WebAssembly
// namespace on. Most of them pass through to the namespace of the inner engine,
// which does all checks and words all messages.

#ifndef BINDINGS_NATIVE_PATCHED_WEB_ASSEMBLY_H_
#define BINDINGS_NATIVE_PATCHED_WEB_ASSEMBLY_H_

#include <node_api.h>

namespace rawmem {

class Agent;

// Defines the functions on `exports`. False, with an exception pending, on
// failure.
bool InitWebAssembly(napi_env env, napi_value exports);

// Parts of it: those of modules and of instances.
bool InitModules(napi_env env, napi_value exports, Agent* agent);
bool InitInstances(napi_env env, napi_value exports, Agent* agent);

// That of the thread, once InitWebAssembly() has made it.
Agent* AgentOf(napi_env env);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_WEB_ASSEMBLY_H_
