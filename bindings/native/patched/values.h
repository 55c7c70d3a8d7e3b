// Values across the border between the two engines. Primitives are copied;
// objects of one side stand for themselves on the other, and come back as what
// they were.

#ifndef BINDINGS_NATIVE_PATCHED_VALUES_H_
#define BINDINGS_NATIVE_PATCHED_VALUES_H_

#include <node_api.h>

#include "agent.h"
#include "v8-local-handle.h"
#include "v8-template.h"
#include "v8-value.h"

namespace rawmem {

// The class of inner objects that stand for objects and symbols of Node's.
// They hold on to those strongly until the next trace (see tracing.h) has found
// what leads to them.
v8::Local<v8::FunctionTemplate> NewOpaqueTemplate(Agent* agent);

// From Node's engine to the inner one, where what was entered (see
// border.h) may put it anywhere. Empty, with an exception pending in Node,
// on failure.
v8::MaybeLocal<v8::Value> ToInner(Agent* agent, napi_value value);

// The way back. Null, with an exception pending in Node, on failure.
napi_value ToOuter(Agent* agent, v8::Local<v8::Value> value);

// What an opaque object stands for; null if `value` is none. With the object
// still known to Node, this does not fail.
napi_value FromOpaque(Agent* agent, v8::Local<v8::Value> value);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_VALUES_H_
