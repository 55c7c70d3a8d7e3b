#include "code_cache.h"

#include <variant>

#include "common/napi/array_buffers.h"
#include "pointer_tags.h"
#include "v8-external.h"
#include "v8-function.h"
#include "v8-object.h"
#include "v8-primitive.h"
#include "v8-promise.h"

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

CodeLoader::CodeLoader(v8::Isolate* isolate)
    : isolate_(isolate),
      microtasks_(
          v8::MicrotaskQueue::New(isolate, v8::MicrotasksPolicy::kExplicit)) {
  // Contexts have compileStreaming() if the callback is there before them.
  isolate->SetWasmStreamingCallback(OnStream);
  context_.Reset(isolate, v8::Context::New(isolate, nullptr, {}, {}, {},
                                           microtasks_.get()));
}

v8::MaybeLocal<v8::Value> CodeLoader::Load(v8::MemorySpan<const uint8_t> code,
                                           v8::MemorySpan<const uint8_t> bytes,
                                           v8::Local<v8::Value> options) {
  v8::EscapableHandleScope scope(isolate_);
  v8::Local<v8::Context> context = context_.Get(isolate_);
  v8::Local<v8::Value> web_assembly, compile, promise;
  v8::Local<v8::Value> arguments[] = {
      v8::External::New(isolate_, this, kCodeLoaderPointer), options};
  if (!context->Global()
           ->Get(context,
                 v8::String::NewFromUtf8Literal(isolate_, "WebAssembly"))
           .ToLocal(&web_assembly) ||
      !web_assembly.As<v8::Object>()
           ->Get(context,
                 v8::String::NewFromUtf8Literal(isolate_, "compileStreaming"))
           .ToLocal(&compile) ||
      !compile.As<v8::Function>()
           ->Call(context, web_assembly, 2, arguments)
           .ToLocal(&promise)) {
    return {};
  }
  Request request{code, bytes};
  request_ = &request;
  microtasks_->PerformCheckpoint(isolate_);
  request_ = nullptr;
  v8::Local<v8::Promise> compiled = promise.As<v8::Promise>();
  if (compiled->State() == v8::Promise::kRejected) {
    isolate_->ThrowException(compiled->Result());
    return {};
  }
  // What it could not deserialize, the engine goes on to compile.
  if (!request.is_accepted || compiled->State() != v8::Promise::kFulfilled) {
    return scope.Escape(v8::Undefined(isolate_).As<v8::Value>());
  }
  // The one there is an object of that context.
  v8::Local<v8::WasmModuleObject> module;
  return v8::WasmModuleObject::FromCompiledModule(
             isolate_,
             compiled->Result().As<v8::WasmModuleObject>()->GetCompiledModule())
                 .ToLocal(&module)
             ? scope.EscapeMaybe(v8::MaybeLocal<v8::Value>(module))
             : v8::MaybeLocal<v8::Value>();
}

void CodeLoader::OnStream(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto* loader = static_cast<CodeLoader*>(
      info[0].As<v8::External>()->Value(kCodeLoaderPointer));
  auto stream = v8::WasmStreaming::Unpack(info.GetIsolate(), info.Data());
  Request* request = loader->request_;
  if (request == nullptr) {
    stream->Abort({});
    return;
  }
  stream->SetHasCompiledModuleBytes();
  stream->OnBytesReceived(request->bytes.data(), request->bytes.size());
  stream->Finish([&](v8::WasmStreaming::ModuleCachingInterface& caching) {
    request->is_accepted = caching.SetCachedCompiledModuleBytes(request->code);
  });
}

}  // namespace rawmem
