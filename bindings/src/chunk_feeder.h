// Windows that slide over a region, mapped by a function that the module
// imports.

#ifndef BINDINGS_SRC_CHUNK_FEEDER_H_
#define BINDINGS_SRC_CHUNK_FEEDER_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "agent.h"
#include "page_advice.h"
#include "raw_memory.h"
#include "v8-function.h"
#include "v8-local-handle.h"
#include "v8-persistent-handle.h"

namespace rawmem {

// Owned by its `next`, a function of Node's. What that leads to in JavaScript
// (the region's handle, the bound instance, its attachments, `notify`) is kept
// there, see bindings/chunk-feeder.ts, and referred to weakly here.
class ChunkFeeder final : public WindowOwner {
 public:
  // What the program says it used up of the last window.
  struct Consumed {
    enum class Kind { kAll, kBytes, kNoSize, kNoNumber };
    Kind kind = Kind::kAll;
    uint64_t bytes = 0;
  };

  struct Options {
    size_t byte_offset = 0;
    size_t byte_length = 0;
    size_t window_size = 0;
    uint32_t memory_index = 0;
    bool is_64_bit = false;
    bool prefetch = false;
    bool release = false;
    bool writable = false;
    bool report_progress = false;
  };

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

  ChunkFeeder(Agent* agent, const Options& options);
  ~ChunkFeeder();

  // Maps the next window where that takes no more than a store: no JavaScript,
  // no Node-API. Nothing has changed if the result is false.
  bool TryNext(v8::Isolate* isolate, Consumed consumed, uint64_t* length);
  // The same in all other cases. False, with an exception pending in Node, on
  // failure. Needs a handle scope of Node's.
  bool Next(Consumed consumed, uint64_t* length);
  bool IsUsable();
  bool Use(Consumed consumed, bool* at_end);
  bool Map(uint64_t* length);
  bool Attach(size_t window);
  void Mapped(size_t window);
  bool Report(bool at_end);
  bool IsReportDue() const;
  bool Notify(int what);
  void Publish(int32_t state);

  bool Bind(napi_value instance, napi_value attachments);
  // Leaves the instance with its own memory.
  void Unbind();
  void Unmap();
  void Rewind();

  static void CallNext(const v8::FunctionCallbackInfo<v8::Value>& info);
  static napi_value CallOuterNext(napi_env env, napi_callback_info info);
  static napi_value Create(napi_env env, napi_callback_info info);
  template <typename Action>
  static napi_value With(napi_env env, napi_callback_info info, Action action);

  Agent* const agent_;
  const Options options_;

  uint8_t* base_ = nullptr;
  // Where the current window begins, in bytes of the region, and how many it
  // has; none if there is no window yet, or it is used up.
  size_t position_ = 0;
  size_t length_ = 0;
  uint64_t windows_ = 0;

  // While the window is mapped.
  Attachment* attachment_ = nullptr;
  Attachments* attachments_ = nullptr;
  Binding* binding_ = nullptr;
  Import* import_ = nullptr;

  bool closed_ = false;
  bool aborted_ = false;
  bool is_reporting_ = false;
  bool end_is_reported_ = false;
  int64_t report_at_ = 0;
  PageAdvice advice_;

  // Shared with other threads; see `controlBlock` in
  // bindings/chunk-feeder/options.ts. Null if there is none.
  uint8_t* control_ = nullptr;

  // All weak.
  napi_ref next_ = nullptr;
  napi_ref region_ = nullptr;
  napi_ref notify_ = nullptr;
  napi_ref instance_ = nullptr;
  napi_ref instance_attachments_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_SRC_CHUNK_FEEDER_H_
