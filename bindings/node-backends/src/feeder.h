// A chunk feeder for the backends on Node's own V8: its `next` is a function of
// Node's, and shows windows in a WindowTarget.

#ifndef BINDINGS_NODE_BACKENDS_SRC_FEEDER_H_
#define BINDINGS_NODE_BACKENDS_SRC_FEEDER_H_

#include <node_api.h>

#include <cstdint>
#include <memory>

#include "../../src/region.h"
#include "../../src/window_arguments.h"
#include "../../src/window_cursor.h"
#include "window_target.h"

namespace rawmem {

// Owned by its `next`. What that leads to in JavaScript (the region's handle,
// the function that gives the target, `notify`) is kept there, see
// bindings/chunk-feeder/, and referred to weakly here.
class NodeFeeder {
 public:
  // Defines `exports.chunkFeeder`. False, with an exception pending, on
  // failure.
  static bool Init(napi_env env, napi_value exports);

 private:
  NodeFeeder(napi_env env, const FeederOptions& options, uint32_t flags);
  ~NodeFeeder();

  // False, with an exception pending, on failure.
  bool Next(Consumed consumed, uint64_t* length);
  bool IsUsable();
  bool Show(WindowCursor::Window window);
  void TakeBack(WindowTarget* shown_in);
  bool Report(bool at_end);
  bool Bind(napi_value resolve);
  bool Unbind();
  // Finds the target that this was bound to.
  bool Resolve();
  // Null if there is none, or it is gone.
  WindowTarget* target() const;

  static napi_value CallNext(napi_env env, napi_callback_info info);
  static napi_value Create(napi_env env, napi_callback_info info);
  template <typename Action>
  static napi_value With(napi_env env, napi_callback_info info, Action action);

  napi_env const env_;
  const size_t byte_offset_;
  const bool is_64_bit_;
  // Whether windows may be as small as the memory is.
  const bool any_window_size_;
  const bool is_writable_;
  std::unique_ptr<WindowCursor> cursor_;
  bool is_closed_ = false;

  // The bytes that are shown, while a window is.
  std::shared_ptr<HostMemory> memory_;
  uint8_t* base_ = nullptr;

  WindowTarget* found_ = nullptr;

  // All weak.
  napi_ref next_ = nullptr;
  napi_ref region_ = nullptr;
  napi_ref notify_ = nullptr;
  napi_ref resolve_ = nullptr;
  napi_ref target_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_NODE_BACKENDS_SRC_FEEDER_H_
