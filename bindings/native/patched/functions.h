// Functions across the border: what modules export, and what they import.

#ifndef BINDINGS_NATIVE_PATCHED_FUNCTIONS_H_
#define BINDINGS_NATIVE_PATCHED_FUNCTIONS_H_

#include <node_api.h>

#include "agent.h"
#include "v8-function.h"
#include "v8-local-handle.h"

namespace rawmem {

// A function of Node's that calls `function`, wrapped (see handle.h). Null,
// with an exception pending, on failure.
napi_value NewExportedFunction(Agent* agent, v8::Local<v8::Function> function);

// An inner function that calls `function` of Node's. It does not keep that, the
// store of the instance does. Empty, with an exception pending in Node, on
// failure.
v8::MaybeLocal<v8::Function> NewImportedFunction(Agent* agent,
                                                 napi_value function);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_FUNCTIONS_H_
