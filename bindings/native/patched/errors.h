// Exceptions across the border between the two engines.

#ifndef BINDINGS_NATIVE_PATCHED_ERRORS_H_
#define BINDINGS_NATIVE_PATCHED_ERRORS_H_

#include <node_api.h>

#include "agent.h"
#include "v8-exception.h"
#include "v8-local-handle.h"
#include "v8-object.h"

namespace rawmem {

// Makes what `try_catch` caught pending in Node: what JavaScript threw comes
// out as the same value, an error of the engine as an error of Node's of the
// same class, with the WebAssembly frames on its stack. Leaves `try_catch`
// empty.
void ThrowToOuter(Agent* agent, v8::TryCatch& try_catch);

// Code that took the last of the heap may have ended before it could be
// terminated. If so, this makes a RangeError pending, and gives true.
bool ThrowIfHeapExhausted(Agent* agent);

// If what runs has passed limits (see call_limits.h), this makes their error
// pending, and gives true.
inline bool ThrowIfPastLimits(Agent* agent) {
  CallLimits* limits = agent->passed_limits();
  if (limits == nullptr) {
    return false;
  }
  limits->ThrowError();
  return true;
}

// Where bulk operations, or JavaScript that was called, touched pages of host
// memory that cannot be accessed, they went on with zeros (see fault_range.h):
// what the call has computed is of no use. `before` is the count when it began.
// If there are more, this makes a WebAssembly.RuntimeError pending, and gives
// true.
void ThrowPagesReplaced(Agent* agent);
inline bool ThrowIfPagesReplaced(Agent* agent, uint64_t before) {
  if (agent->faults().replaced_pages == before) {
    return false;
  }
  ThrowPagesReplaced(agent);
  return true;
}

// Takes what is pending in Node and throws it in the inner engine; if borrowed
// bytes are gone, the TypeError about that instead. If Node ends JavaScript, or
// limits have been passed, the inner engine ends what it runs, too.
void ThrowToInner(Agent* agent);

// An error of the engine that is passed as a value. Null, with an exception
// pending, on failure.
napi_value ErrorToOuter(Agent* agent, v8::Local<v8::Object> error);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_ERRORS_H_
