// Pointing the memories of instances at host regions.

#ifndef BINDINGS_NATIVE_PATCHED_RAW_MEMORY_H_
#define BINDINGS_NATIVE_PATCHED_RAW_MEMORY_H_

#include <node_api.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "agent.h"
#include "common/napi/reference.h"
#include "common/region.h"
#include "common/size_errors.h"
#include "store.h"
#include "v8-local-handle.h"
#include "v8-object.h"
#include "v8-persistent-handle.h"
#include "v8-wasm.h"

namespace rawmem {

struct Handle;

// Something that reads and writes bytes which JavaScript can take away, by
// transferring the ArrayBuffer that they are borrowed from.
struct BorrowedUse {
  virtual ~BorrowedUse() = default;
  // From now on without those bytes. Lets go of `borrowed`.
  virtual void PointBack(v8::Isolate* isolate) = 0;

  // To the region's handle: it keeps the ArrayBuffer. Empty where none is
  // borrowed.
  StrongReference borrowed;
};

// Whoever moves the window that an attachment shows without asking for a new
// attachment each time.
struct WindowOwner {
  virtual ~WindowOwner() = default;
  // Something else is attached now, or nothing.
  virtual void OnWindowGone() = 0;
};

// Where an instance sees a region: as one of its memories, or in a host window
// of memory 0.
struct MemoryPlace {
  auto operator<=>(const MemoryPlace&) const = default;

  v8::WasmRawMemoryResult Point(v8::Local<v8::Object> instance,
                                uint8_t* data,
                                size_t length) const;
  // Back at the instance's own memory; a window is empty then.
  v8::WasmRawMemoryResult PointBack(v8::Local<v8::Object> instance) const;
  // Where code finds the first byte: a window's address, or 0.
  uint64_t Address() const;

  uint32_t memory_index = 0;
  std::optional<uint32_t> window;
};

class Attachments;

// A memory or host window of an instance that reads and writes a host region.
struct Attachment final : BorrowedUse {
  void PointBack(v8::Isolate* isolate) override;
  // Makes `owner`, which may be null, the one to be told.
  void SetOwner(WindowOwner* owner);

  Attachments* attachments = nullptr;
  MemoryPlace place;
  uint8_t* data = nullptr;
  size_t length = 0;
  RegionLease lease;
  // Null if nobody has to be told.
  WindowOwner* owner = nullptr;
};

// Before code runs that was entered (see border.h), and where it goes on
// after JavaScript ran. If bytes are gone that it can reach, instances and
// memories are pointed back at their own, a TypeError is pending, and the
// result is false.
bool CheckBorrowed(Agent* agent);
// The same for one use.
bool CheckBorrowed(Agent* agent, BorrowedUse* use);

// What the memories of an instance are attached to. It belongs to the inner
// instance and goes with that: as long as code can be reached there, so can
// the bytes that it runs on, whatever became of wrappers.
class Attachments final : public RecordOf<v8::Object> {
 public:
  // Null if nothing was ever attached to `instance`.
  static Attachments* Of(Agent* agent, v8::Local<v8::Object> instance);
  // Null, with an exception pending, on failure.
  static Attachments* Ensure(Handle* instance);

  // To be called when JavaScript dropped an instance: has garbage collected
  // when much of what such instances keep mapped may be unreachable.
  static void NoteDropped(Agent* agent, v8::Local<v8::Object> instance);

  ~Attachments() override;

  // False, with an exception pending, on failure; nothing has changed then.
  bool Attach(MemoryPlace place,
              napi_value region,
              const RegionView& view,
              Attached what = Attached::kRegion);
  // Back to the instance's own memory.
  bool Detach(MemoryPlace place);

  // Null if nothing is attached there.
  Attachment* Find(MemoryPlace place);
  // The host window that shows all of these bytes of memory 0. Null if none
  // does.
  Attachment* FindWindow(uint64_t address, size_t length);
  // Only forgets it: the instance must have been pointed elsewhere.
  void Remove(Attachment* attachment);

  Agent* agent() const { return agent_; }

  // Record:
  void Trace(Tracing& tracing) override;
  void OnTraced() override;

 private:
  friend struct Attachment;

  Attachments(Agent* agent, Store::Pointer store);

  static Attachments* FindOrNew(Handle* instance);

  void Drop(Attachment* attachment);
  void DropBorrowed(Attachment* attachment);

  Agent* const agent_;
  // That of the instance.
  Store::Pointer store_;
  std::map<MemoryPlace, Attachment> attachments_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_RAW_MEMORY_H_
