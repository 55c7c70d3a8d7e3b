// memory.buffer: an ArrayBuffer of Node's over the bytes of an inner memory.

#ifndef BINDINGS_NATIVE_PATCHED_MEMORY_BUFFER_H_
#define BINDINGS_NATIVE_PATCHED_MEMORY_BUFFER_H_

#include <node_api.h>

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "common/napi/reference.h"
#include "v8-array-buffer.h"
#include "v8-persistent-handle.h"
#include "v8-wasm.h"

namespace rawmem {

class Agent;

// The buffers handed out. When a memory grows, its inner buffer is detached,
// be it by code that runs; then the outer one has to be detached as well before
// JavaScript looks at it again. The engine tells which those are, so that
// nothing is looked at on the way to JavaScript while no memory has grown,
// however many buffers there are.
class BufferAliases {
 public:
  explicit BufferAliases(Agent* agent) : agent_(agent) {}

  // For v8::SetWasmMemoryBufferDetachedCallback.
  static void OnDetached(v8::Isolate* isolate,
                         v8::Local<v8::ArrayBuffer> inner);

  // The buffer of `memory`: the same one until the memory grows. Null, with an
  // exception pending, on failure.
  napi_value BufferOf(v8::Local<v8::WasmMemoryObject> memory);

  // To be called on every way from the inner engine to JavaScript.
  void Update() {
    if (!stale_.empty()) {
      DetachStale();
    }
  }

  // `now` has the bytes of `before`, which is detached: the buffer handed out
  // stays what it is.
  void Replace(v8::Local<v8::ArrayBuffer> before,
               v8::Local<v8::ArrayBuffer> now);

  void Clear();

  // What one ArrayBuffer of Node's may hold, in bytes.
  void set_max_length(size_t bytes) { max_length_ = bytes; }

 private:
  struct Alias {
    // Weak: without the memory there is nothing to keep track of.
    v8::Global<v8::ArrayBuffer> inner;
    WeakReference outer;
  };

  // By the identity hash of the inner buffer.
  using Aliases = std::unordered_multimap<int, Alias>;

  Aliases::iterator Find(v8::Local<v8::ArrayBuffer> inner);
  void DetachStale();
  void DropCollected();
  // Null if it was collected, or detached by JavaScript.
  napi_value OuterOf(const Alias& alias);

  Agent* const agent_;
  Aliases aliases_;
  // Of inner buffers that were detached since the last Update().
  std::vector<Alias> stale_;
  size_t drop_at_ = 64;
  size_t max_length_ = 0;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_MEMORY_BUFFER_H_
