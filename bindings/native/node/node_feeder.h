// A chunk feeder for the backends on Node's own V8: shows windows in a
// WindowTarget.

#ifndef BINDINGS_NATIVE_NODE_NODE_FEEDER_H_
#define BINDINGS_NATIVE_NODE_NODE_FEEDER_H_

#include <cstdint>
#include <memory>

#include "common/feeder.h"
#include "common/region.h"
#include "window_target.h"

namespace rawmem {

class NodeFeeder final : public Feeder {
 public:
  // Defines `exports.chunkFeeder`. False, with an exception pending, on
  // failure.
  static bool Init(napi_env env, napi_value exports);

 private:
  NodeFeeder(napi_env env, const FeederOptions& options);

  // Feeder:
  bool Next(Consumed consumed, uint64_t* length) override;
  bool IsUsable() override;
  bool IsBound() override { return resolve_.Value() != nullptr; }
  bool Show(WindowCursor::Window window) override;
  bool Empty() override;
  bool IsIntact() override;
  void Bind(napi_value resolve) override;
  void Unbind() override;

  void TakeBack(WindowTarget* shown_in);
  bool TakeAway();
  // Finds the target that this was bound to.
  bool Resolve();
  // Null if there is none, or it is gone.
  WindowTarget* target() const;

  static napi_value Create(const Arguments& args);

  const bool any_window_size_;
  const bool is_writable_;

  // What base_ points into: the bytes of the last window shown, though it may
  // have been replaced since.
  std::shared_ptr<HostMemory> memory_;

  // The function that gives the target, and what it gave.
  WeakReference resolve_;
  WeakReference target_;
  WindowTarget* found_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_NODE_FEEDER_H_
