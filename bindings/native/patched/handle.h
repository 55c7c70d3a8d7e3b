// The tie between an object of the inner engine and its wrapper, an object of
// Node's. At any time an inner object has at most one wrapper that JavaScript
// can reach, so that identity is what it is expected to be:
// instance.exports.f === table.get(0).

#ifndef BINDINGS_NATIVE_PATCHED_HANDLE_H_
#define BINDINGS_NATIVE_PATCHED_HANDLE_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "agent.h"
#include "common/napi/reference.h"
#include "kind.h"
#include "store.h"
#include "v8-local-handle.h"
#include "v8-object.h"
#include "v8-persistent-handle.h"

namespace rawmem {

class Attachments;
class NumberCall;

// Owned by the wrapper. Keeps the inner object alive until the wrapper is
// collected.
struct Handle {
  Handle(Agent* agent, Kind kind);
  ~Handle();

  // Whether JavaScript still has the wrapper.
  bool IsReachable();
  // Lets go of the inner object.
  void Release();

  const std::shared_ptr<Agent> agent;
  const Kind kind;
  const uint64_t id;
  v8::Global<v8::Object> inner;
  WeakReference outer;
  // What keeps that the inner object may lead to. Null for kinds that lead to
  // nothing of JavaScript's.
  Store::Pointer store;
  // Whether the inner object points back at this.
  bool slot_is_set = false;
  // Of an exported function. `number_call` is null until it was called often,
  // and for those that take or return references.
  int parameter_count = 0;
  uint32_t calls = 0;
  const NumberCall* number_call = nullptr;
  // What Node's garbage collector was told that the wrapper costs.
  int64_t external_bytes = 0;
  // Of an instance, what Attachments::Ensure() gave. Valid with `inner`.
  Attachments* attachments = nullptr;
  // Place in the agent's list.
  size_t index = SIZE_MAX;
};

// What `object` is. Everything unknown is a kReference.
Kind KindOf(Agent* agent, v8::Local<v8::Object> object);

// Makes `outer` the wrapper of `inner`, in the store that was entered or, if
// none was, in one of its own. Null, with an exception pending, if that fails.
Handle* Wrap(Agent* agent,
             napi_value outer,
             Kind kind,
             v8::Local<v8::Object> inner);

// The same with a handle made before.
Handle* Wrap(std::unique_ptr<Handle> handle,
             napi_value outer,
             v8::Local<v8::Object> inner);

// Null if `value` is no wrapper of this agent.
Handle* Unwrap(Agent* agent, napi_value value);

// The wrapper of `inner`, made if there is none. Null, with an exception
// pending, on failure.
napi_value WrapperOf(Agent* agent, v8::Local<v8::Object> inner);

// To be called before code that was entered (see border.h) gets the inner
// object: it may store that anywhere. False, with an exception pending, on
// failure.
bool LinkToEntered(Handle* handle);

// Null if there is none.
napi_value ExistingWrapper(Agent* agent, v8::Local<v8::Object> inner);

// Tells Node's garbage collector what keeping the wrapper costs.
void SetExternalBytes(Handle* handle, int64_t bytes);

// The same for memories and tables, from their size, which may have changed.
void UpdateExternalBytes(Handle* handle);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_HANDLE_H_
