// WebAssembly.Memory objects whose bytes are those of a host region.

#ifndef BINDINGS_NATIVE_PATCHED_HOSTED_MEMORY_H_
#define BINDINGS_NATIVE_PATCHED_HOSTED_MEMORY_H_

#include <node_api.h>

#include <memory>
#include <string>

#include "agent.h"
#include "common/region.h"
#include "raw_memory.h"
#include "store.h"
#include "v8-array-buffer.h"
#include "v8-local-handle.h"
#include "v8-persistent-handle.h"
#include "v8-wasm.h"

namespace rawmem {

struct Handle;

// What a memory that was attached once has to remember. Lives as long as the
// inner memory, to which any number of wrappers may come and go.
//
// Two things keep a region. The mapping is kept by the inner backing store, so
// that it outlasts every access; the lease, which forbids close(), ends with
// the attachment.
class HostedMemory final : public RecordOf<v8::WasmMemoryObject>,
                           public BorrowedUse {
 public:
  // Makes the bytes of `view` those of `memory`. `region` is what JavaScript
  // calls them, `handle` the object behind it, `name` the argument they came
  // in. False, with an exception pending, on failure; nothing has changed then.
  static bool Attach(Handle* memory,
                     napi_value region,
                     napi_value handle,
                     const RegionView& view,
                     const std::string& name);
  // Back to the memory's own bytes.
  static bool Detach(Handle* memory);

  static bool IsAttached(Agent* agent, v8::Local<v8::Object> memory);

  // The region that `memory` is attached to, if that borrows an ArrayBuffer.
  // Its bytes are reached through that alone: another ArrayBuffer over them
  // would not notice when they go. Null otherwise.
  static napi_value BorrowedRegion(Agent* agent, v8::Local<v8::Object> memory);

  // To be called when JavaScript dropped a memory: has garbage collected when
  // much of what such memories keep mapped may be unreachable.
  static void NoteDropped(Agent* agent, v8::Local<v8::Object> memory);

  // The store for a new wrapper of `memory`: the one that it has, if something
  // still leads there. Null, with an exception pending, on failure.
  static Store::Pointer StoreOf(Agent* agent, v8::Local<v8::Object> memory);

  ~HostedMemory() override;

  // BorrowedUse:
  void PointBack(v8::Isolate* isolate) override;

  // Record:
  void Trace(Tracing& tracing) override;
  void OnTraced() override;

 private:
  HostedMemory(Agent* agent, Store::Pointer store);

  static HostedMemory* Of(Agent* agent, v8::Local<v8::Object> memory);
  static HostedMemory* Ensure(Handle* memory);

  bool is_attached() const { return lease_.get() != nullptr; }
  void Release();
  void DropBorrowed();

  Agent* const agent_;
  // That of the memory's wrapper.
  Store::Pointer store_;
  // What V8 allocated, while something else is attached.
  std::shared_ptr<v8::BackingStore> own_store_;
  RegionLease lease_;
  // To the region itself, if that borrows an ArrayBuffer.
  StrongReference region_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_HOSTED_MEMORY_H_
