// A memory of an instance of Node's own V8 that is pointed at host memory, by
// writing its start and size in the instance.

#ifndef BINDINGS_NATIVE_NODE_RAW_TARGET_H_
#define BINDINGS_NATIVE_NODE_RAW_TARGET_H_

#include <node_api.h>

#include <cstdint>
#include <memory>

#include "common/napi/reference.h"
#include "common/region.h"
#include "raw_growth.h"
#include "raw_layout.h"
#include "raw_pin.h"
#include "window_target.h"

namespace rawmem {

// What the module declares of the memory.
struct RawLimits {
  uint32_t memory_index = 0;
  size_t minimum = 0;  // bytes; code checks nothing below
  size_t reach = 0;    // bytes that addresses reach
};

// The instance and the memory must be reachable as long as the target is used;
// it holds them weakly itself, since they may hold it.
class RawTarget final : public WindowTarget {
 public:
  // `buffer_getter` is that of WebAssembly.Memory.prototype. Null, with a
  // JavaScript exception pending, if the instance does not have the words that
  // `memory` lets expect.
  static std::unique_ptr<RawTarget> New(napi_env env,
                                        std::shared_ptr<RawLayout> layout,
                                        std::shared_ptr<GrowthLock> growth,
                                        const RawLimits& limits,
                                        napi_value instance,
                                        napi_value memory,
                                        napi_value buffer_getter);
  ~RawTarget() override;

  bool Show(napi_env env, napi_value handle, const RegionView& view) override;
  bool Restore(napi_env env) override;
  bool shown() const override { return shown_; }
  bool Check(napi_env env) override;

  // After Memory.grow(), which points all instances at the memory itself.
  bool ShowAgain(napi_env env);

 private:
  RawTarget(std::shared_ptr<RawLayout> layout,
            std::shared_ptr<GrowthLock> growth,
            const RawLimits& limits)
      : layout_(std::move(layout)),
        growth_(std::move(growth)),
        limits_(limits) {}

  bool ReadOwn(napi_env env, MemoryWords* own) const;
  // Whether nobody has written the words since. If somebody has, an exception
  // is pending and nothing is shown any more.
  bool CheckShown(napi_env env, napi_value instance);
  void Release();

  std::shared_ptr<RawLayout> const layout_;
  std::shared_ptr<GrowthLock> const growth_;
  const RawLimits limits_;
  WeakReference instance_;
  WeakReference memory_;
  StrongReference buffer_getter_;
  bool shown_ = false;
  MemoryWords window_;
  uint8_t* own_start_ = nullptr;  // of the memory itself, when it was replaced
  RegionLease lease_;
  BackingStorePin pin_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_RAW_TARGET_H_
