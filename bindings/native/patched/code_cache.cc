#include "code_cache.h"

#include <memory>
#include <variant>

#include "common/napi/array_buffers.h"
#include "v8-persistent-handle.h"

namespace rawmem {

napi_value SerializedCode(napi_env env,
                          v8::Local<v8::WasmModuleObject> module) {
  v8::CompiledWasmModule compiled = module->GetCompiledModule();
  v8::OwnedBuffer code = compiled.Serialize();
  const v8::MemorySpan<const uint8_t> bytes = compiled.GetWireBytesRef();
  napi_value result;
  napi_value parts[] = {CopyToBuffer(env, code.buffer.get(), code.size),
                        CopyToBuffer(env, bytes.data(), bytes.size())};
  if (parts[0] == nullptr || parts[1] == nullptr ||
      napi_create_array_with_length(env, 2, &result) != napi_ok ||
      napi_set_element(env, result, 0, parts[0]) != napi_ok ||
      napi_set_element(env, result, 1, parts[1]) != napi_ok) {
    return nullptr;
  }
  return result;
}

v8::MaybeLocal<v8::WasmModuleObject> ModuleFromCode(
    v8::Isolate* isolate,
    v8::MemorySpan<const uint8_t> code,
    v8::MemorySpan<const uint8_t> bytes) {
  // The engine goes on to compile what it could not deserialize, and says so
  // after this returned.
  struct Result {
    bool is_wanted = true;
    v8::Global<v8::WasmModuleObject> module;
  };
  auto result = std::make_shared<Result>();
  bool accepted = false;
  v8::WasmModuleCompilation compilation;
  compilation.SetHasCompiledModuleBytes();
  compilation.OnBytesReceived(bytes.data(), bytes.size());
  compilation.Finish(
      isolate,
      [&](v8::WasmStreaming::ModuleCachingInterface& caching) {
        accepted = caching.SetCachedCompiledModuleBytes(code);
      },
      [result, isolate](std::variant<v8::Local<v8::WasmModuleObject>,
                                     v8::Local<v8::Value>> module_or_error) {
        if (result->is_wanted && module_or_error.index() == 0) {
          result->module.Reset(isolate, std::get<0>(module_or_error));
        }
      });
  result->is_wanted = false;
  if (!accepted || result->module.IsEmpty()) {
    return {};
  }
  v8::Local<v8::WasmModuleObject> module = result->module.Get(isolate);
  // The last reference may go on another thread.
  result->module.Reset();
  return module;
}

}  // namespace rawmem
