// Keeping a memory of Node's own V8 from growing.

#ifndef BINDINGS_NATIVE_NODE_RAW_GROWTH_H_
#define BINDINGS_NATIVE_NODE_RAW_GROWTH_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/napi/reference.h"
#include "raw_layout.h"

namespace rawmem {

// When a memory grows, V8 points all of its instances at it, those that look at
// a window as well. So while one does, the maximum of the memory is what it
// has. One per memory, for all of its instances.
class GrowthLock {
 public:
  // Null, with an exception pending, on failure.
  static std::shared_ptr<GrowthLock> New(napi_env env,
                                         std::shared_ptr<RawLayout> layout,
                                         napi_value memory);

  // From now on the memory has `bytes`, for good.
  void Acquire(size_t bytes);
  void Release();
  // As Release, for a target that goes, holder or not; but leaves the engine
  // alone. Settle() has to follow.
  void Drop(bool is_holder) {
    holders_ -= is_holder ? 1 : 0;
    ++drops_;
  }
  // Gives the number of calls of Drop() so far.
  uint32_t Settle();

  // Around a growth that is wanted.
  void Lift();
  void Lower(size_t bytes);

 private:
  explicit GrowthLock(std::shared_ptr<RawLayout> layout)
      : layout_(std::move(layout)) {}

  std::shared_ptr<RawLayout> const layout_;
  WeakReference memory_;
  size_t holders_ = 0;
  uint32_t drops_ = 0;
  bool is_lowered_ = false;
  uintptr_t declared_ = 0;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_RAW_GROWTH_H_
