// Windows that slide over a region, mapped by a function that the module
// imports.

#ifndef BINDINGS_SRC_CHUNK_FEEDER_H_
#define BINDINGS_SRC_CHUNK_FEEDER_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "agent.h"
#include "raw_memory.h"
#include "v8-function.h"
#include "v8-local-handle.h"
#include "v8-persistent-handle.h"
#include "window_arguments.h"
#include "window_cursor.h"

namespace rawmem {

// Owned by its `next`, a function of Node's. What that leads to in JavaScript
// (the region's handle, the bound instance, its attachments, `notify`) is kept
// there, see bindings/chunk-feeder.ts, and referred to weakly here.
class ChunkFeeder final : public WindowOwner {
 public:
  // Defines `exports.chunkFeeder`, the functions that bindings/chunk-feeder.ts
  // calls. False, with an exception pending, on failure.
  static bool Init(napi_env env, napi_value exports);

  // Null if `value` is not the `next` of a feeder.
  static ChunkFeeder* From(Agent* agent, napi_value value);

  // What an instance imports in place of `next`. Empty, with an exception
  // pending in Node, on failure.
  v8::MaybeLocal<v8::Function> InnerNext();

  // WindowOwner:
  void OnWindowGone() override { attachment_ = nullptr; }

 private:
  struct Binding;
  struct Import;

  ChunkFeeder(Agent* agent, const FeederOptions& options, uint8_t* base);
  ~ChunkFeeder();

  // Maps the next window where that takes no more than a store: no JavaScript,
  // no Node-API. Nothing has changed if the result is false.
  bool TryNext(v8::Isolate* isolate, Consumed consumed, uint64_t* length);
  // The same in all cases. False, with an exception pending in Node, on
  // failure. Needs a handle scope of Node's.
  bool Next(Consumed consumed, uint64_t* length);
  bool IsUsable();
  bool Report(bool at_end);
  bool Notify(Notice notice);
  // Only points the instance there.
  bool Show(v8::Isolate* isolate, WindowCursor::Window window);
  bool Attach(WindowCursor::Window window);
  void Enter(WindowCursor::Window window);

  bool Bind(napi_value instance, napi_value attachments);
  // Leaves the instance with its own memory.
  void Unbind();

  static void CallNext(const v8::FunctionCallbackInfo<v8::Value>& info);
  static napi_value CallOuterNext(napi_env env, napi_callback_info info);
  static napi_value Create(napi_env env, napi_callback_info info);
  template <typename Action>
  static napi_value With(napi_env env, napi_callback_info info, Action action);

  Agent* const agent_;
  const size_t byte_offset_;
  const uint32_t memory_index_;
  const bool is_64_bit_;
  WindowCursor cursor_;
  // The region's bytes. They are there while a window is mapped.
  uint8_t* base_;
  bool is_closed_ = false;

  // While a window is mapped; in `attachments_`.
  Attachment* attachment_ = nullptr;
  Attachments* attachments_ = nullptr;
  Binding* binding_ = nullptr;
  Import* import_ = nullptr;

  // All weak.
  napi_ref next_ = nullptr;
  napi_ref region_ = nullptr;
  napi_ref notify_ = nullptr;
  napi_ref instance_ = nullptr;
  napi_ref instance_attachments_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_SRC_CHUNK_FEEDER_H_
