// Windows that slide over a region, mapped by a function that the module
// imports.

#ifndef BINDINGS_NATIVE_PATCHED_CHUNK_FEEDER_H_
#define BINDINGS_NATIVE_PATCHED_CHUNK_FEEDER_H_

#include <cstdint>
#include <memory>

#include "agent.h"
#include "common/feeder.h"
#include "native_import.h"
#include "raw_memory.h"
#include "v8-function.h"
#include "v8-local-handle.h"
#include "v8-persistent-handle.h"

namespace rawmem {

// For instances of the inner engine.
class ChunkFeeder final : public Feeder, public WindowOwner {
 public:
  // Defines `exports.chunkFeeder`, the functions that
  // bindings/backends/patched/chunk-feeder.ts calls. False, with an exception
  // pending, on failure.
  static bool Init(napi_env env, napi_value exports);

  // Null if `value` is not the `next` of a feeder.
  static ChunkFeeder* From(Agent* agent, napi_value value);

  // What an instance imports in place of `next`. Empty, with an exception
  // pending in Node, on failure.
  v8::MaybeLocal<v8::Function> InnerNext();

  // For callbacks of the inner engine. False, with an exception pending there,
  // on failure.
  bool NextForInner(Consumed consumed, uint64_t* length);
  // Shows bytes [offset, offset + length), or what there is of them, without
  // moving on. None empty the window.
  bool MapForInner(uint64_t offset, uint32_t length, uint64_t* mapped);
  // The same for JavaScript, with the exception pending in Node.
  bool NextForOuter(Consumed consumed, uint64_t* length) {
    return Next(consumed, length);
  }
  bool MapForOuter(uint64_t offset, uint32_t length, uint64_t* mapped) override;
  uint64_t byte_length() const { return cursor_.byte_length(); }

  // Leads here as long as this exists.
  const std::shared_ptr<ChunkFeeder*>& self() const { return self_; }

  // WindowOwner:
  void OnWindowGone() override;

 private:
  struct Binding;

  ChunkFeeder(Agent* agent, const FeederOptions& options);
  ~ChunkFeeder() override;

  // Feeder:
  bool Next(Consumed consumed, uint64_t* length) override;
  bool IsBound() override { return binding_ != nullptr; }
  bool Show(WindowCursor::Window window) override;
  bool Empty() override;
  napi_value CallJavaScript(napi_value function,
                            size_t argc,
                            const napi_value* argv) override;
  void Bind(napi_value instance) override;
  void Unbind() override;

  // Maps the next window where that takes no more than a store: no JavaScript,
  // no Node-API. Nothing has changed if the result is false.
  bool TryNext(Consumed consumed, uint64_t* length);
  // Only points the instance there, if it looks at another window already.
  bool Move(WindowCursor::Window window);
  // Does what may call JavaScript.
  template <typename TAction>
  bool CallForInner(TAction action);
  bool Attach(WindowCursor::Window window);
  // Leaves the instance with its own memory.
  void Release();

  static void CallInnerNext(const v8::FunctionCallbackInfo<v8::Value>& info);
  static napi_value Create(const Arguments& args);

  const std::shared_ptr<Agent> agent_;
  const MemoryPlace place_;
  const std::shared_ptr<ChunkFeeder*> self_ =
      std::make_shared<ChunkFeeder*>(this);

  // While a window is mapped.
  Attachment* attachment_ = nullptr;
  Binding* binding_ = nullptr;

  WeakReference instance_;
  NativeImport import_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_CHUNK_FEEDER_H_
