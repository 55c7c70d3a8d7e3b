// Compiled code of modules as bytes.

#ifndef BINDINGS_NATIVE_PATCHED_CODE_CACHE_H_
#define BINDINGS_NATIVE_PATCHED_CODE_CACHE_H_

#include <node_api.h>

#include <cstdint>
#include <memory>

#include "v8-context.h"
#include "v8-function-callback.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-memory-span.h"
#include "v8-microtask-queue.h"
#include "v8-persistent-handle.h"
#include "v8-value.h"
#include "v8-wasm.h"

namespace rawmem {

// An array of two ArrayBuffers: the optimised code that `module` has at
// present, none if that is empty, and the bytes it was compiled from. Null,
// with an exception pending, on failure.
napi_value SerializedCode(napi_env env, v8::Local<v8::WasmModuleObject> module);

// The module of `bytes`, which was compiled without options, with code that was
// serialized. Empty, with nothing pending, if this engine, its flags or the
// processor want other code. The code must be what SerializedCode gave for
// these very bytes: the engine runs it unchecked.
v8::MaybeLocal<v8::WasmModuleObject> ModuleFromCode(
    v8::Isolate* isolate,
    v8::MemorySpan<const uint8_t> code,
    v8::MemorySpan<const uint8_t> bytes);

// The same for modules that were compiled with options.
//
// Of V8's functions only WebAssembly.compileStreaming takes options along with
// code. It calls back in a microtask, so it has a context and a queue of its
// own here: no other microtask may run in the middle of a call. To make them
// takes two milliseconds.
class CodeLoader {
 public:
  // The isolate has to be entered.
  explicit CodeLoader(v8::Isolate* isolate);
  CodeLoader(const CodeLoader&) = delete;
  CodeLoader& operator=(const CodeLoader&) = delete;

  // A module; undefined if other code is wanted. Empty, with an exception
  // pending, if there cannot be such options.
  v8::MaybeLocal<v8::Value> Load(v8::MemorySpan<const uint8_t> code,
                                 v8::MemorySpan<const uint8_t> bytes,
                                 v8::Local<v8::Value> options);

 private:
  // What the microtask is to do.
  struct Request {
    v8::MemorySpan<const uint8_t> code;
    v8::MemorySpan<const uint8_t> bytes;
    bool is_accepted = false;
  };

  static void OnStream(const v8::FunctionCallbackInfo<v8::Value>& info);

  v8::Isolate* const isolate_;
  const std::unique_ptr<v8::MicrotaskQueue> microtasks_;
  v8::Global<v8::Context> context_;
  // Null outside of Load().
  Request* request_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_CODE_CACHE_H_
