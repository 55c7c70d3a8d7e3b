// Where the node backends show windows of host memory: a memory of an instance
// of Node's own WebAssembly.

#ifndef BINDINGS_NATIVE_NODE_WINDOW_TARGET_H_
#define BINDINGS_NATIVE_NODE_WINDOW_TARGET_H_

#include <node_api.h>

#include <cstdint>
#include <memory>

#include "common/region.h"
#include "common/size_errors.h"

namespace rawmem {

// One per memory; made by a backend, used by setWasmInstanceRawMemory and by
// the chunk feeder. Lives on one JavaScript thread. It goes with the JavaScript
// object that wraps it, some time after the memory has become unreachable: the
// destructor must not touch what belongs to the engine, nor JavaScript.
class WindowTarget {
 public:
  virtual ~WindowTarget() = default;

  // Makes `view`, a part of the memory behind `handle`, the bytes from address
  // 0 on, and holds a lease on it. False, with an exception pending and what
  // was shown before unchanged, if that cannot be done.
  virtual bool Show(napi_env env,
                    napi_value handle,
                    const RegionView& view) = 0;

  // Goes back to the bytes of the memory's own and drops the lease. False with
  // an exception pending. Does nothing if no window is shown.
  virtual bool Restore(napi_env env) = 0;

  virtual bool shown() const = 0;

  // Who showed the window: a feeder, which takes back no other than its own.
  // Null for setWasmInstanceRawMemory.
  const void* owner() const { return shown() ? owner_ : nullptr; }
  void set_owner(const void* owner) { owner_ = owner; }

  // What the bytes that are shown next are, for messages.
  Attached subject() const { return subject_; }
  void set_subject(Attached subject) { subject_ = subject; }

  // Whether what was shown is still there. If the engine has taken it away,
  // nothing is shown any more, and an exception is pending.
  virtual bool Check(napi_env env) { return true; }

  // Bytes that a window may have at present. False with an exception pending.
  virtual bool Capacity(napi_env env, uint64_t* capacity) {
    *capacity = uint64_t{1} << 53;
    return true;
  }

  // Whether stores into windows that cannot reach the region at once, since the
  // region is copy-on-write, are copied to it later. They are by default.
  virtual void set_keep_stores(bool keep) {}

 private:
  const void* owner_ = nullptr;
  Attached subject_ = Attached::kRegion;
};

// The opaque JavaScript object for a target; null, with an exception pending,
// on failure.
napi_value WrapTarget(napi_env env, std::unique_ptr<WindowTarget> target);

// Null, with an exception pending, if `value` wraps no target.
WindowTarget* UnwrapTarget(napi_env env, napi_value value);

// Defines show, restore and isShown on `exports`.
bool InitWindowTarget(napi_env env, napi_value exports);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_WINDOW_TARGET_H_
