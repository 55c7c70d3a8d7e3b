// A memory of Node's own WebAssembly under whose addresses pages of a region
// are mapped.

#ifndef BINDINGS_NATIVE_NODE_REWIRE_TARGET_H_
#define BINDINGS_NATIVE_NODE_REWIRE_TARGET_H_

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "common/fault_range.h"
#include "common/napi/reference.h"
#include "rewired_pages.h"
#include "window_target.h"

namespace rawmem {

// The memory stays where it is and as large as it is: the engine notices
// nothing, and everything that reads the memory, `buffer` included, reads the
// window. A host window lies behind the memory, in addresses that the engine
// has reserved so that accesses out of bounds fault.
class RewireTarget final : public WindowTarget {
 public:
  // Address 0 of the memory, or where the host window `window` begins.
  explicit RewireTarget(std::optional<uint32_t> window);

  // `memory` is a WebAssembly.Memory, `buffer_of` the getter of its `buffer`.
  // False, with an exception pending, on failure.
  bool Initialize(napi_env env, napi_value memory, napi_value buffer_of);

  bool Show(napi_env env, napi_value handle, const RegionView& view) override;
  bool Restore(napi_env env) override;
  bool shown() const override { return lease_.get() != nullptr; }
  bool Capacity(napi_env env, uint64_t* capacity) override;
  void set_keep_stores(bool keep) override { keep_stores_ = keep; }

 private:
  // Where the pages go, and how many bytes may.
  bool FindMemory(napi_env env, uint8_t** start, size_t* length);
  bool ThrowNoRoom(napi_env env, size_t length, size_t room) const;
  // Copies what was stored into a copy-on-write window to the region.
  bool KeepStores(napi_env env);
  void Forget();

  WeakReference memory_;
  StrongReference buffer_of_;
  bool keep_stores_ = true;        // of windows to come
  bool keep_shown_stores_ = true;  // of the one that is shown
  const std::optional<uint32_t> window_;
  const std::unique_ptr<RewiredPages> pages_;
  RegionLease lease_;
  RegionView view_;  // without its `memory`, which `lease_` has
  // Pages of a file can be lost here, too.
  std::optional<FaultRange> faults_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_REWIRE_TARGET_H_
