// Compiled code of modules as bytes.

#ifndef BINDINGS_NATIVE_PATCHED_CODE_CACHE_H_
#define BINDINGS_NATIVE_PATCHED_CODE_CACHE_H_

#include <node_api.h>

#include <cstdint>

#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-memory-span.h"
#include "v8-wasm.h"

namespace rawmem {

// An array of two ArrayBuffers: the optimised code that `module` has at
// present, none if that is empty, and the bytes it was compiled from. Null,
// with an exception pending, on failure.
napi_value SerializedCode(napi_env env, v8::Local<v8::WasmModuleObject> module);

// The module of `bytes` with code that was serialized. Empty, with nothing
// pending, if this engine, its flags or the processor want other code. The code
// must be what SerializedCode gave for these very bytes: the engine runs it
// unchecked.
v8::MaybeLocal<v8::WasmModuleObject> ModuleFromCode(
    v8::Isolate* isolate,
    v8::MemorySpan<const uint8_t> code,
    v8::MemorySpan<const uint8_t> bytes);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_CODE_CACHE_H_
