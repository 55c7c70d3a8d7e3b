// WebAssembly.Module, and what makes modules.

#include <memory>
#include <string>
#include <utility>

#include "code_cache.h"
#include "common/napi/array_buffers.h"
#include "common/napi/handle_scope.h"
#include "common/napi/native_functions.h"
#include "common/napi/reference.h"
#include "common/napi/results.h"
#include "errors.h"
#include "handle.h"
#include "inner_call.h"
#include "pointer_tags.h"
#include "v8-array-buffer.h"
#include "v8-container.h"
#include "v8-json.h"
#include "v8-promise.h"
#include "v8-wasm.h"
#include "values.h"
#include "web_assembly.h"

namespace rawmem {

namespace {

// What keeping a module costs.
constexpr int64_t kModuleBytesPerWireByte = 4;

// Lets the inner engine read bytes of Node's without a copy in between. It
// takes its own before it does anything else.
class BytesArgument {
 public:
  BytesArgument(Agent* agent, const Bytes& bytes)
      : buffer_(v8::ArrayBuffer::New(
            agent->isolate(),
            v8::ArrayBuffer::NewBackingStore(bytes.data,
                                             bytes.length,
                                             v8::BackingStore::EmptyDeleter,
                                             nullptr))) {}
  ~BytesArgument() { buffer_->Detach(v8::Local<v8::Value>()).Check(); }
  BytesArgument(const BytesArgument&) = delete;
  BytesArgument& operator=(const BytesArgument&) = delete;

  v8::Local<v8::Value> value() const { return buffer_; }

 private:
  const v8::Local<v8::ArrayBuffer> buffer_;
};

constexpr const char* kExpectedBytes = "Expected a Uint8Array";

void SetModuleBytes(Handle* handle, size_t wire_bytes) {
  SetExternalBytes(handle,
                   static_cast<int64_t>(wire_bytes) * kModuleBytesPerWireByte);
}

// compile(target, bytes, options): `options` is undefined or an array as for
// construct.
napi_value Compile(const InnerCall& call) {
  Agent* agent = call.agent();
  napi_value target, options;
  Bytes bytes;
  if (!call.Read(kExpectedBytes, &target, &bytes, &options)) {
    return nullptr;
  }
  Entry entry(call.border(), nullptr);
  BytesArgument inner_bytes(agent, bytes);
  InnerArguments arguments{inner_bytes.value()};
  v8::Local<v8::Object> module;
  if (!BuildArguments(agent, options, &arguments) ||
      !NewObject(entry, "Module", arguments, &module)) {
    return nullptr;
  }
  if (Handle* handle = Wrap(agent, target, Kind::kModule, module)) {
    SetModuleBytes(handle, bytes.length);
  }
  return nullptr;
}

// validate(bytes, options): boolean.
napi_value Validate(const InnerCall& call) {
  Agent* agent = call.agent();
  Bytes bytes;
  napi_value options;
  if (!call.Read(kExpectedBytes, &bytes, &options)) {
    return nullptr;
  }
  Entry entry(call.border(), nullptr);
  BytesArgument inner_bytes(agent, bytes);
  InnerArguments arguments{inner_bytes.value()};
  v8::Local<v8::Value> result;
  if (!BuildArguments(agent, options, &arguments) ||
      !CallMethod(entry, agent->web_assembly(), "validate", arguments,
                  &result)) {
    return nullptr;
  }
  return ToOuter(agent, result);
}

// A compilation that goes on in the background.
struct Compilation final : public Record {
  Compilation(Agent* agent, size_t byte_length, napi_value callback)
      : agent(agent),
        byte_length(byte_length),
        callback(agent->env(), callback) {
    Link(agent->records());
    agent->AddPendingPromise();
  }
  ~Compilation() override { agent->RemovePendingPromise(); }

  Agent* const agent;
  const size_t byte_length;
  const StrongReference callback;
};

// Calls callback(error) or callback(undefined, module).
void Settle(const v8::FunctionCallbackInfo<v8::Value>& info, bool fulfilled) {
  std::unique_ptr<Compilation> compilation(static_cast<Compilation*>(
      info.Data().As<v8::External>()->Value(kCompilationPointer)));
  Agent* agent = compilation->agent;
  napi_env env = agent->env();
  const HandleScope scope(env);
  if (!scope.is_open()) {
    return;
  }
  napi_value undefined;
  napi_value argv[2];
  napi_get_undefined(env, &undefined);
  napi_value value = ToOuter(agent, info[0]);
  if (value == nullptr) {
    // What went wrong on the way is what the caller gets to see.
    fulfilled = false;
    napi_get_and_clear_last_exception(env, &value);
  } else if (fulfilled) {
    if (Handle* handle = Unwrap(agent, value)) {
      SetModuleBytes(handle, compilation->byte_length);
    }
  }
  argv[0] = fulfilled ? undefined : value;
  argv[1] = fulfilled ? value : undefined;
  // The callback settles a promise and does not throw.
  agent->CallOuter(compilation->callback.Value(), fulfilled ? 2 : 1, argv);
}

// compileAsync(bytes, options, callback).
napi_value CompileAsync(const InnerCall& call) {
  Agent* agent = call.agent();
  v8::Isolate* isolate = call.isolate();
  Bytes bytes;
  napi_value options, callback;
  if (!call.Read(kExpectedBytes, &bytes, &options, &callback)) {
    return nullptr;
  }
  Entry entry(call.border(), nullptr);
  BytesArgument inner_bytes(agent, bytes);
  InnerArguments arguments{inner_bytes.value()};
  v8::Local<v8::Value> promise;
  if (!BuildArguments(agent, options, &arguments) ||
      !CallMethod(entry, agent->web_assembly(), "compile", arguments,
                  &promise)) {
    return nullptr;
  }
  v8::TryCatch try_catch(isolate);
  auto compilation =
      std::make_unique<Compilation>(agent, bytes.length, callback);
  v8::Local<v8::Value> data =
      v8::External::New(isolate, compilation.get(), kCompilationPointer);
  v8::Local<v8::Function> fulfilled, rejected;
  if (compilation->callback.is_empty() ||
      !v8::Function::New(
           call.context(),
           [](const v8::FunctionCallbackInfo<v8::Value>& settled) {
             Settle(settled, true);
           },
           data)
           .ToLocal(&fulfilled) ||
      !v8::Function::New(
           call.context(),
           [](const v8::FunctionCallbackInfo<v8::Value>& settled) {
             Settle(settled, false);
           },
           data)
           .ToLocal(&rejected) ||
      promise.As<v8::Promise>()
          ->Then(call.context(), fulfilled, rejected)
          .IsEmpty()) {
    ThrowToOuter(agent, try_catch);
    return nullptr;
  }
  compilation.release();
  // It may be settled already.
  agent->Wake();
  return nullptr;
}

// WebAssembly.Module[name](...arguments) of the inner engine.
bool CallStatic(Entry& entry,
                const std::string& name,
                InnerArguments arguments,
                v8::Local<v8::Value>* result) {
  v8::Local<v8::Value> constructor;
  return ReadProperty(entry, entry.agent()->web_assembly(), "Module",
                      &constructor) &&
         CallMethod(entry, constructor.As<v8::Object>(), name,
                    std::move(arguments), result);
}

// describe(module, 'imports' | 'exports'): the list of descriptors, as JSON.
napi_value Describe(const InnerCall& call) {
  Agent* agent = call.agent();
  Handle* handle = call.Unwrapped(0, Kind::kModule);
  std::string what;
  if (handle == nullptr || !ReadValue(call.env(), call[1], &what)) {
    return nullptr;
  }
  Entry entry(call.border(), nullptr);
  v8::Local<v8::Value> list;
  v8::Local<v8::String> json;
  if (!CallStatic(entry, what, {handle->inner.Get(call.isolate())}, &list) ||
      !entry.Ask([&] { return v8::JSON::Stringify(call.context(), list); },
                 &json)) {
    return nullptr;
  }
  return ToOuter(agent, json);
}

// customSections(module, name): an array of ArrayBuffers.
napi_value CustomSections(const InnerCall& call) {
  napi_env env = call.env();
  Agent* agent = call.agent();
  Handle* handle = call.Unwrapped(0, Kind::kModule);
  if (handle == nullptr) {
    return nullptr;
  }
  Entry entry(call.border(), nullptr);
  v8::Local<v8::Value> name, list;
  if (!ToInner(agent, call[1]).ToLocal(&name) ||
      !CallStatic(entry, "customSections",
                  {handle->inner.Get(call.isolate()), name}, &list)) {
    return nullptr;
  }
  v8::Local<v8::Array> sections = list.As<v8::Array>();
  napi_value result;
  if (napi_create_array_with_length(env, sections->Length(), &result) !=
      napi_ok) {
    return nullptr;
  }
  for (uint32_t i = 0; i < sections->Length(); ++i) {
    auto section =
        sections->Get(call.context(), i).ToLocalChecked().As<v8::ArrayBuffer>();
    napi_value copy = CopyToBuffer(env, section->Data(), section->ByteLength());
    if (copy == nullptr || napi_set_element(env, result, i, copy) != napi_ok) {
      return nullptr;
    }
  }
  return result;
}

// wireBytes(module): an ArrayBuffer.
napi_value WireBytes(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kModule);
  if (handle == nullptr) {
    return nullptr;
  }
  v8::CompiledWasmModule module = handle->inner.Get(call.isolate())
                                      .As<v8::WasmModuleObject>()
                                      ->GetCompiledModule();
  const v8::MemorySpan<const uint8_t> bytes = module.GetWireBytesRef();
  return CopyToBuffer(call.env(), bytes.data(), bytes.size());
}

// serializeModule(module): [code, wire bytes], two ArrayBuffers.
napi_value SerializeModule(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kModule);
  return handle == nullptr
             ? nullptr
             : SerializedCode(call.env(), handle->inner.Get(call.isolate())
                                              .As<v8::WasmModuleObject>());
}

// deserializeModule(target, code, bytes, options): whether the engine took the
// code; then `target` is the module. `options` is undefined or an array as for
// construct.
napi_value DeserializeModule(const InnerCall& call) {
  Agent* agent = call.agent();
  napi_value target, options;
  Bytes code, bytes;
  if (!call.Read(kExpectedBytes, &target, &code, &bytes, &options)) {
    return nullptr;
  }
  Entry entry(call.border(), nullptr);
  InnerArguments arguments;
  v8::Local<v8::Value> module;
  const auto load = [&]() -> v8::MaybeLocal<v8::Value> {
    const v8::MemorySpan<const uint8_t> spans[] = {{code.data, code.length},
                                                   {bytes.data, bytes.length}};
    if (!arguments.empty()) {
      return agent->code_loader().Load(spans[0], spans[1], arguments[0]);
    }
    v8::Local<v8::WasmModuleObject> plain;
    return ModuleFromCode(call.isolate(), spans[0], spans[1]).ToLocal(&plain)
               ? plain.As<v8::Value>()
               : v8::Undefined(call.isolate()).As<v8::Value>();
  };
  if (!BuildArguments(agent, options, &arguments) ||
      !entry.Ask(load, &module)) {
    return nullptr;
  }
  const bool accepted = module->IsWasmModuleObject();
  if (accepted) {
    Handle* handle =
        Wrap(agent, target, Kind::kModule, module.As<v8::Object>());
    if (handle == nullptr) {
      return nullptr;
    }
    SetModuleBytes(handle, bytes.length);
  }
  return NewBoolean(call.env(), accepted);
}

}  // namespace

bool InitModules(napi_env env, napi_value exports, Agent* agent) {
  return DefineFunctions(env, exports,
                         {
                             {"compile", Enter<Compile>},
                             {"compileAsync", Enter<CompileAsync>},
                             {"validate", Enter<Validate>},
                             {"describe", Enter<Describe>},
                             {"customSections", Enter<CustomSections>},
                             {"wireBytes", Enter<WireBytes>},
                             {"serializeModule", Enter<SerializeModule>},
                             {"deserializeModule", Enter<DeserializeModule>},
                         },
                         agent);
}

}  // namespace rawmem
