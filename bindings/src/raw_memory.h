// Pointing the memories of instances at host regions.

#ifndef BINDINGS_SRC_RAW_MEMORY_H_
#define BINDINGS_SRC_RAW_MEMORY_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <utility>

#include "region.h"
#include "size_errors.h"
#include "v8-local-handle.h"
#include "v8-object.h"
#include "v8-persistent-handle.h"

namespace rawmem {

class Agent;
struct Handle;

// Something that reads and writes bytes which JavaScript can take away, by
// transferring the ArrayBuffer that they are borrowed from.
struct BorrowedUse {
  virtual ~BorrowedUse() = default;
  // From now on without those bytes.
  virtual void PointBack(v8::Isolate* isolate) = 0;
  // Lets go of objects of the inner engine.
  virtual void Clear() = 0;

  // To the region's handle. Null where no ArrayBuffer is borrowed.
  napi_ref borrowed = nullptr;
};

// Whoever moves the window that an attachment shows without asking for a new
// attachment each time.
struct WindowOwner {
  virtual ~WindowOwner() = default;
  // Something else is attached now, or nothing.
  virtual void OnWindowGone() = 0;
};

// A memory of an instance that reads and writes a host region.
struct Attachment final : BorrowedUse {
  void PointBack(v8::Isolate* isolate) override;
  void Clear() override { instance.Reset(); }
  // Makes `owner`, which may be null, the one to be told.
  void SetOwner(WindowOwner* owner);

  uint8_t* data = nullptr;
  size_t length = 0;
  RegionLease lease;
  uint32_t memory_index = 0;
  // Null if nobody has to be told.
  WindowOwner* owner = nullptr;
  // Only where the region borrows an ArrayBuffer. `borrowed` is weak.
  v8::Global<v8::Object> instance;
};

// The smallest size, a whole number of pages, that is not too small.
size_t FindMinimum(const std::function<bool(size_t)>& is_too_small);

// All uses of borrowed bytes.
class BorrowedRegions {
 public:
  explicit BorrowedRegions(Agent* agent) : agent_(agent) {}

  // Before code runs. If bytes are gone, instances and memories are pointed
  // back at their own, a TypeError is pending, and the result is false.
  bool Check() { return uses_.empty() || CheckAll(); }

  void Add(BorrowedUse* use) { uses_.push_back(use); }
  void Remove(BorrowedUse* use) { uses_.remove(use); }
  // Lets go of instances and memories.
  void Clear();

 private:
  bool CheckAll();

  Agent* const agent_;
  std::list<BorrowedUse*> uses_;
};

// The attachments of the instances of one store (see
// bindings/web-assembly/store.ts). While it lives, so do the regions.
class Attachments {
 public:
  explicit Attachments(Agent* agent);
  ~Attachments();

  // False, with an exception pending, on failure; nothing has changed then.
  bool Attach(Handle* instance,
              uint32_t memory_index,
              napi_value region,
              const RegionView& view,
              Attached what = Attached::kRegion);
  // Back to the instance's own memory.
  bool Detach(Handle* instance, uint32_t memory_index);

  // Null if nothing is attached there.
  Attachment* Find(Handle* instance, uint32_t memory_index);
  // Only forgets it: the instance must have been pointed elsewhere.
  void Remove(Attachment* attachment);

  // As a value that JavaScript can hold. Null on failure.
  static napi_value New(Agent* agent);
  // Null if `value` is none.
  static Attachments* From(napi_env env, napi_value value);

 private:
  using Key = std::pair<uint64_t, uint32_t>;

  void Drop(Attachment* attachment);

  Agent* const agent_;
  std::map<Key, Attachment> attachments_;
};

}  // namespace rawmem

#endif  // BINDINGS_SRC_RAW_MEMORY_H_
