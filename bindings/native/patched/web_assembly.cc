#include "web_assembly.h"

#include <node_api.h>

#include <memory>
#include <string>
#include <vector>

#include "agent.h"
#include "chunk_feeder.h"
#include "code_cache.h"
#include "common/napi/arguments.h"
#include "common/napi/array_buffers.h"
#include "common/napi/exceptions.h"
#include "common/napi/handle_scope.h"
#include "common/napi/native_functions.h"
#include "common/napi/reference.h"
#include "common/napi/results.h"
#include "common/region.h"
#include "errors.h"
#include "functions.h"
#include "handle.h"
#include "host_windows.h"
#include "hosted_memory.h"
#include "memory_buffer.h"
#include "raw_memory.h"
#include "v8-array-buffer.h"
#include "v8-container.h"
#include "v8-external.h"
#include "v8-initialization.h"
#include "v8-json.h"
#include "v8-promise.h"
#include "v8-wasm.h"
#include "values.h"

namespace rawmem {

namespace {

constexpr v8::ExternalPointerTypeTag kCompilationTag = 3;

// What keeping these costs, beside the memories, which are counted as such.
constexpr int64_t kInstanceBytes = 16 * 1024;
constexpr int64_t kModuleBytesPerWireByte = 4;

// How TypeScript says what an argument is to become in the inner engine.
enum class Shape : int {
  // The value itself.
  kValue = 0,
  // An object, given as an array of name, shape, value, name, ...
  kRecord = 1,
  // An array of values.
  kList = 2,
};

// One call from TypeScript: its arguments, and the agent with its scope open.
class InnerCall {
 public:
  InnerCall(Agent* agent, const Arguments& arguments)
      : agent_(agent), scope_(agent), arguments_(arguments) {}
  InnerCall(const InnerCall&) = delete;
  InnerCall& operator=(const InnerCall&) = delete;

  napi_env env() const { return agent_->env(); }
  Agent* agent() const { return agent_; }
  v8::Isolate* isolate() const { return agent_->isolate(); }
  v8::Local<v8::Context> context() const { return agent_->context(); }
  napi_value operator[](size_t i) const { return arguments_[i]; }
  const Arguments& arguments() const { return arguments_; }
  // See Arguments::Read().
  template <typename... T>
  bool Read(const char* expected, T*... results) const {
    return arguments_.Read(expected, results...);
  }

  Handle* Unwrapped(size_t i, Kind kind) const {
    Handle* handle = Unwrap(agent_, arguments_[i]);
    if (handle == nullptr || handle->kind != kind) {
      ThrowTypeError(env(),
                     std::string("Not a WebAssembly.") + ClassName(kind));
      return nullptr;
    }
    return handle;
  }

 private:
  Agent* const agent_;
  Agent::Scope scope_;
  const Arguments& arguments_;
};

// What Node calls in place of `kFunction`.
template <napi_value (*kFunction)(const InnerCall& call)>
napi_value Enter(const Arguments& arguments) {
  auto* agent = arguments.data<Agent>();
  if (!agent->Open()) {
    return nullptr;
  }
  Agent::Border border(agent);
  return kFunction(InnerCall(agent, arguments));
}

v8::Local<v8::String> InnerName(Agent* agent, const char* name) {
  return v8::String::NewFromUtf8(agent->isolate(), name,
                                 v8::NewStringType::kInternalized)
      .ToLocalChecked();
}

v8::Local<v8::Function> InnerFunction(Agent* agent,
                                      v8::Local<v8::Object> object,
                                      const char* name) {
  return object->Get(agent->context(), InnerName(agent, name))
      .ToLocalChecked()
      .As<v8::Function>();
}

v8::MaybeLocal<v8::Value> BuildArgument(Agent* agent,
                                        Shape shape,
                                        napi_value value) {
  if (shape == Shape::kValue) {
    return ToInner(agent, value);
  }
  std::vector<napi_value> parts;
  if (!ReadValue(agent->env(), value, &parts)) {
    return {};
  }
  if (shape == Shape::kList) {
    std::vector<v8::Local<v8::Value>> elements(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!ToInner(agent, parts[i]).ToLocal(&elements[i])) {
        return {};
      }
    }
    return v8::Array::New(agent->isolate(), elements.data(), elements.size());
  }
  v8::Local<v8::Object> object = v8::Object::New(agent->isolate());
  for (size_t i = 0; i + 2 < parts.size(); i += 3) {
    v8::Local<v8::Value> name, member;
    Shape member_shape;
    if (!ToInner(agent, parts[i]).ToLocal(&name) ||
        !ReadValue(agent->env(), parts[i + 1], &member_shape) ||
        !BuildArgument(agent, member_shape, parts[i + 2]).ToLocal(&member) ||
        object
            ->CreateDataProperty(agent->context(), name.As<v8::Name>(), member)
            .IsNothing()) {
      return {};
    }
  }
  return object;
}

using InnerArguments = std::vector<v8::Local<v8::Value>>;

// Adds to `result`, from an array of shape, value, shape, value, ... False,
// with an exception pending, on failure.
bool BuildArguments(Agent* agent, napi_value array, InnerArguments* result) {
  std::vector<napi_value> parts;
  if (!ReadValue(agent->env(), array, &parts)) {
    return false;
  }
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    v8::Local<v8::Value> argument;
    Shape shape;
    if (!ReadValue(agent->env(), parts[i], &shape) ||
        !BuildArgument(agent, shape, parts[i + 1]).ToLocal(&argument)) {
      return false;
    }
    result->push_back(argument);
  }
  return true;
}

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

// `object[name](...arguments)` in the inner engine. Empty, with the exception
// pending in Node, on failure.
v8::MaybeLocal<v8::Value> CallMethod(Agent* agent,
                                     v8::Local<v8::Object> object,
                                     const char* name,
                                     InnerArguments arguments) {
  v8::TryCatch try_catch(agent->isolate());
  v8::Local<v8::Value> result;
  if (!InnerFunction(agent, object, name)
           ->Call(agent->context(), object, static_cast<int>(arguments.size()),
                  arguments.data())
           .ToLocal(&result)) {
    ThrowToOuter(agent, try_catch);
  }
  return result;
}

// `new WebAssembly[name](...arguments)`, likewise.
v8::MaybeLocal<v8::Object> NewObject(Agent* agent,
                                     const char* name,
                                     InnerArguments arguments) {
  v8::TryCatch try_catch(agent->isolate());
  v8::Local<v8::Object> object;
  if (!InnerFunction(agent, agent->web_assembly(), name)
           ->NewInstance(agent->context(), static_cast<int>(arguments.size()),
                         arguments.data())
           .ToLocal(&object)) {
    ThrowToOuter(agent, try_catch);
  }
  return object;
}

// start(hooks, maxBufferLength, heapLimit): what the addon has to know of
// TypeScript.
napi_value Start(const Arguments& args) {
  napi_value hooks;
  size_t max_length, heap_limit;
  if (args.Read("start: expected (hooks, maxBufferLength, heapLimit)", &hooks,
                &max_length, &heap_limit)) {
    auto* agent = args.data<Agent>();
    agent->set_outer_heap_limit(heap_limit);
    agent->SetHooks(hooks);
    agent->buffer_aliases().set_max_length(max_length);
  }
  return nullptr;
}

// construct(kind, target, args): `new WebAssembly.X(...args)`, with `target` as
// the wrapper.
napi_value Construct(const InnerCall& call) {
  Agent* agent = call.agent();
  Kind kind;
  napi_value target, args;
  if (!call.Read("construct: expected (kind, target, args)", &kind, &target,
                 &args)) {
    return nullptr;
  }
  const Store::Pointer store = Store::New(call.env());
  if (store == nullptr) {
    return nullptr;
  }
  // A memory leads nowhere.
  Agent::Entry entry(agent, kind == Kind::kMemory ? nullptr : store.get());
  InnerArguments arguments;
  v8::Local<v8::Object> object;
  if (BuildArguments(agent, args, &arguments) &&
      NewObject(agent, ClassName(kind), arguments).ToLocal(&object) &&
      !ThrowIfHeapExhausted(agent)) {
    Wrap(agent, target, kind, object);
  }
  return nullptr;
}

// invoke(target, method, args): `target[method](...args)` on the inner object.
napi_value Invoke(const InnerCall& call) {
  Agent* agent = call.agent();
  napi_value target, args;
  std::string method;
  if (!call.Read("invoke: expected (target, method, args)", &target, &method,
                 &args)) {
    return nullptr;
  }
  Handle* handle = Unwrap(agent, target);
  if (handle == nullptr) {
    return nullptr;
  }
  Agent::Entry entry(agent, handle->store.get());
  InnerArguments arguments;
  v8::Local<v8::Value> result;
  if (!entry.succeeded() || !BuildArguments(agent, args, &arguments) ||
      !CallMethod(agent, handle->inner.Get(call.isolate()), method.c_str(),
                  arguments)
           .ToLocal(&result)) {
    return nullptr;
  }
  agent->buffer_aliases().Update();
  if (ThrowIfHeapExhausted(agent)) {
    return nullptr;
  }
  // Some methods grow things.
  if (method == "grow") {
    UpdateExternalBytes(handle);
  }
  return ToOuter(agent, result);
}

// getProperty(target, name).
napi_value GetProperty(const InnerCall& call) {
  Agent* agent = call.agent();
  napi_value target;
  std::string name;
  if (!call.Read("getProperty: expected (target, name)", &target, &name)) {
    return nullptr;
  }
  Handle* handle = Unwrap(agent, target);
  if (handle == nullptr) {
    return nullptr;
  }
  Agent::Entry entry(agent, handle->store.get());
  v8::TryCatch try_catch(call.isolate());
  v8::Local<v8::Value> result;
  if (!entry.succeeded()) {
    return nullptr;
  }
  if (!handle->inner.Get(call.isolate())
           ->Get(call.context(), InnerName(agent, name.c_str()))
           .ToLocal(&result)) {
    ThrowToOuter(agent, try_catch);
    return nullptr;
  }
  return ToOuter(agent, result);
}

// setProperty(target, name, value).
napi_value SetProperty(const InnerCall& call) {
  Agent* agent = call.agent();
  napi_value target, outer_value;
  std::string name;
  if (!call.Read("setProperty: expected (target, name, value)", &target, &name,
                 &outer_value)) {
    return nullptr;
  }
  Handle* handle = Unwrap(agent, target);
  if (handle == nullptr) {
    return nullptr;
  }
  Agent::Entry entry(agent, handle->store.get());
  v8::Local<v8::Value> value;
  if (!entry.succeeded() || !ToInner(agent, outer_value).ToLocal(&value)) {
    return nullptr;
  }
  v8::TryCatch try_catch(call.isolate());
  if (handle->inner.Get(call.isolate())
          ->Set(call.context(), InnerName(agent, name.c_str()), value)
          .IsNothing()) {
    ThrowToOuter(agent, try_catch);
  }
  return nullptr;
}

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
  BytesArgument inner_bytes(agent, bytes);
  InnerArguments arguments{inner_bytes.value()};
  v8::Local<v8::Object> module;
  if (!BuildArguments(agent, options, &arguments) ||
      !NewObject(agent, "Module", arguments).ToLocal(&module)) {
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
  BytesArgument inner_bytes(agent, bytes);
  InnerArguments arguments{inner_bytes.value()};
  v8::Local<v8::Value> result;
  if (!BuildArguments(agent, options, &arguments) ||
      !CallMethod(agent, agent->web_assembly(), "validate", arguments)
           .ToLocal(&result)) {
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
      info.Data().As<v8::External>()->Value(kCompilationTag)));
  Agent* agent = compilation->agent;
  napi_env env = agent->env();
  const HandleScope scope(env);
  if (!scope.is_open()) {
    return;
  }
  napi_value undefined, result;
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
  napi_call_function(env, undefined, compilation->callback.Value(),
                     fulfilled ? 2 : 1, argv, &result);
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
  BytesArgument inner_bytes(agent, bytes);
  InnerArguments arguments{inner_bytes.value()};
  v8::Local<v8::Value> promise;
  if (!BuildArguments(agent, options, &arguments) ||
      !CallMethod(agent, agent->web_assembly(), "compile", arguments)
           .ToLocal(&promise)) {
    return nullptr;
  }
  v8::TryCatch try_catch(isolate);
  auto compilation =
      std::make_unique<Compilation>(agent, bytes.length, callback);
  v8::Local<v8::Value> data =
      v8::External::New(isolate, compilation.get(), kCompilationTag);
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

// describe(module, 'imports' | 'exports'): the list of descriptors, as JSON.
napi_value Describe(const InnerCall& call) {
  Agent* agent = call.agent();
  Handle* handle = call.Unwrapped(0, Kind::kModule);
  std::string what;
  if (handle == nullptr || !ReadValue(call.env(), call[1], &what)) {
    return nullptr;
  }
  v8::Local<v8::Value> module = handle->inner.Get(call.isolate());
  v8::Local<v8::Object> constructor =
      InnerFunction(agent, agent->web_assembly(), "Module");
  v8::Local<v8::Value> list;
  v8::Local<v8::String> json;
  if (!CallMethod(agent, constructor, what.c_str(), {module}).ToLocal(&list)) {
    return nullptr;
  }
  v8::TryCatch try_catch(call.isolate());
  if (!v8::JSON::Stringify(call.context(), list).ToLocal(&json)) {
    ThrowToOuter(agent, try_catch);
    return nullptr;
  }
  return ToOuter(agent, json);
}

// customSections(module, name): an array of ArrayBuffers.
napi_value CustomSections(const InnerCall& call) {
  napi_env env = call.env();
  Agent* agent = call.agent();
  Handle* handle = call.Unwrapped(0, Kind::kModule);
  v8::Local<v8::Value> name, list;
  if (handle == nullptr || !ToInner(agent, call[1]).ToLocal(&name) ||
      !CallMethod(agent, InnerFunction(agent, agent->web_assembly(), "Module"),
                  "customSections", {handle->inner.Get(call.isolate()), name})
           .ToLocal(&list)) {
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

// An import object from an array of module name, name, whether a function is
// expected, value, ... False, with an exception pending, on failure.
bool BuildImports(Agent* agent,
                  napi_value array,
                  v8::Local<v8::Object> imports) {
  napi_env env = agent->env();
  v8::Local<v8::Context> context = agent->context();
  std::vector<napi_value> parts;
  if (!ReadValue(env, array, &parts)) {
    return false;
  }
  for (size_t i = 0; i + 3 < parts.size(); i += 4) {
    v8::Local<v8::Value> module_name, name, value, module;
    if (!ToInner(agent, parts[i]).ToLocal(&module_name) ||
        !imports->Get(context, module_name).ToLocal(&module)) {
      return false;
    }
    napi_valuetype name_type;
    if (napi_typeof(env, parts[i + 1], &name_type) != napi_ok) {
      return false;
    }
    if (name_type != napi_string) {
      // Not an object where the module's imports should be. The engine words
      // the error.
      if (!ToInner(agent, parts[i + 3]).ToLocal(&value) ||
          imports
              ->CreateDataProperty(context, module_name.As<v8::Name>(), value)
              .IsNothing()) {
        return false;
      }
      continue;
    }
    if (!module->IsObject()) {
      module = v8::Object::New(agent->isolate(), v8::Null(agent->isolate()),
                               nullptr, nullptr, 0);
      if (imports
              ->CreateDataProperty(context, module_name.As<v8::Name>(), module)
              .IsNothing()) {
        return false;
      }
    }
    bool expects_function = false;
    napi_valuetype type;
    if (!ReadValue(env, parts[i + 2], &expects_function) ||
        napi_typeof(env, parts[i + 3], &type) != napi_ok) {
      return false;
    }
    if (expects_function && type == napi_function &&
        Unwrap(agent, parts[i + 3]) == nullptr) {
      ChunkFeeder* feeder = ChunkFeeder::From(agent, parts[i + 3]);
      HostWindowFunction* windows =
          HostWindowFunction::From(agent, parts[i + 3]);
      v8::Local<v8::Function> function;
      if (!agent->entered()->Keep(parts[i + 3]) ||
          !(feeder != nullptr    ? feeder->InnerNext()
            : windows != nullptr ? windows->Inner()
                                 : NewImportedFunction(agent, parts[i + 3]))
               .ToLocal(&function)) {
        return false;
      }
      value = function;
    } else if (!ToInner(agent, parts[i + 3]).ToLocal(&value)) {
      return false;
    }
    if (!ToInner(agent, parts[i + 1]).ToLocal(&name) ||
        module.As<v8::Object>()
            ->CreateDataProperty(context, name.As<v8::Name>(), value)
            .IsNothing()) {
      return false;
    }
  }
  return true;
}

// instantiate(target, module, imports): makes `target` the instance; the result
// is an array of name, value, ... of its exports.
napi_value Instantiate(const InnerCall& call) {
  napi_env env = call.env();
  Agent* agent = call.agent();
  v8::Isolate* isolate = call.isolate();
  v8::Local<v8::Context> context = call.context();
  Handle* module = call.Unwrapped(1, Kind::kModule);
  if (module == nullptr) {
    return nullptr;
  }
  agent->NoteChange();
  agent->TraceIfDue();
  const Store::Pointer store = Store::New(env);
  if (store == nullptr) {
    return nullptr;
  }
  Agent::Entry entry(agent, store.get());
  v8::Local<v8::Object> imports =
      v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  v8::TryCatch try_catch(isolate);
  v8::Local<v8::Object> instance;
  v8::Local<v8::Value> exports;
  v8::Local<v8::Array> names;
  napi_value result = nullptr;
  v8::Local<v8::Value> arguments[] = {module->inner.Get(isolate), imports};
  if (!BuildImports(agent, call[2], imports)) {
    if (try_catch.HasCaught()) {
      ThrowToOuter(agent, try_catch);
    }
    return nullptr;
  }
  // Segments may go into memories that are in use elsewhere, and the start
  // function may be an instance's that is.
  if (!CheckBorrowed(agent)) {
    return nullptr;
  }
  bool succeeded;
  {
    // The start function runs here.
    Agent::CallScope call_scope(agent);
    succeeded = InnerFunction(agent, agent->web_assembly(), "Instance")
                    ->NewInstance(context, 2, arguments)
                    .ToLocal(&instance);
  }
  agent->buffer_aliases().Update();
  if (!succeeded ||
      !instance->Get(context, InnerName(agent, "exports")).ToLocal(&exports) ||
      !exports.As<v8::Object>()
           ->GetOwnPropertyNames(context, v8::PropertyFilter::ALL_PROPERTIES,
                                 v8::KeyConversionMode::kConvertToString)
           .ToLocal(&names)) {
    ThrowToOuter(agent, try_catch);
    return nullptr;
  }
  if (ThrowIfHeapExhausted(agent)) {
    return nullptr;
  }
  Handle* handle = Wrap(agent, call[0], Kind::kInstance, instance);
  if (handle != nullptr && napi_create_array_with_length(
                               env, names->Length() * 2, &result) == napi_ok) {
    SetExternalBytes(handle, kInstanceBytes);
    for (uint32_t i = 0; result != nullptr && i < names->Length(); ++i) {
      v8::Local<v8::Value> name = names->Get(context, i).ToLocalChecked();
      v8::Local<v8::Value> value =
          exports.As<v8::Object>()->Get(context, name).ToLocalChecked();
      napi_value outer_name = ToOuter(agent, name);
      napi_value outer_value =
          outer_name == nullptr ? nullptr : ToOuter(agent, value);
      if (outer_value == nullptr ||
          napi_set_element(env, result, 2 * i, outer_name) != napi_ok ||
          napi_set_element(env, result, 2 * i + 1, outer_value) != napi_ok) {
        result = nullptr;
      }
    }
  }
  return result;
}

// memoryBuffer(memory): an ArrayBuffer; or, if the memory borrows one, the
// region that does.
napi_value MemoryBuffer(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kMemory);
  if (handle == nullptr) {
    return nullptr;
  }
  call.agent()->buffer_aliases().Update();
  Agent::Entry entry(call.agent(), handle->store.get());
  if (!CheckBorrowed(call.agent())) {
    return nullptr;
  }
  auto memory = handle->inner.Get(call.isolate()).As<v8::WasmMemoryObject>();
  if (napi_value region = HostedMemory::BorrowedRegion(call.agent(), memory)) {
    return region;
  }
  return call.agent()->buffer_aliases().BufferOf(memory);
}

// attachMemory(memory, region, handle, byteOffset, byteLength, name).
napi_value AttachMemory(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kMemory);
  RegionView view;
  std::string name;
  if (handle == nullptr || !GetRegion(call.arguments(), 2, &view) ||
      !ReadValue(call.env(), call[5], &name)) {
    return nullptr;
  }
  if (HostedMemory::Attach(handle, call[1], call[2], view, name)) {
    UpdateExternalBytes(handle);
  }
  return nullptr;
}

// detachMemory(memory).
napi_value DetachMemory(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kMemory);
  if (handle != nullptr && HostedMemory::Detach(handle)) {
    UpdateExternalBytes(handle);
  }
  return nullptr;
}

// isMemoryAttached(memory): boolean.
napi_value IsMemoryAttached(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kMemory);
  return handle == nullptr
             ? nullptr
             : NewBoolean(call.env(),
                          HostedMemory::IsAttached(
                              call.agent(), handle->inner.Get(call.isolate())));
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

// deserializeModule(target, code, bytes): whether the engine took the code;
// then `target` is the module.
napi_value DeserializeModule(const InnerCall& call) {
  napi_value target;
  Bytes code, bytes;
  if (!call.Read(kExpectedBytes, &target, &code, &bytes)) {
    return nullptr;
  }
  v8::Local<v8::WasmModuleObject> module;
  const bool accepted = ModuleFromCode(call.isolate(), {code.data, code.length},
                                       {bytes.data, bytes.length})
                            .ToLocal(&module);
  if (accepted) {
    Handle* handle = Wrap(call.agent(), target, Kind::kModule, module);
    if (handle == nullptr) {
      return nullptr;
    }
    SetModuleBytes(handle, bytes.length);
  }
  return NewBoolean(call.env(), accepted);
}

// jsTag(): a wrapper of WebAssembly.JSTag.
napi_value JsTag(const InnerCall& call) {
  Agent* agent = call.agent();
  v8::Local<v8::Value> tag =
      agent->web_assembly()
          ->Get(call.context(), InnerName(agent, "JSTag"))
          .ToLocalChecked();
  return ToOuter(agent, tag);
}

// attachRawMemory(instance, memoryIndex, window, handle, offset, length).
napi_value AttachRawMemory(const InnerCall& call) {
  Handle* instance = call.Unwrapped(0, Kind::kInstance);
  RegionView view;
  MemoryPlace place;
  if (instance == nullptr ||
      !ReadValue(call.env(), call[1], &place.memory_index) ||
      !ReadValue(call.env(), call[2], &place.window) ||
      !GetRegion(call.arguments(), 3, &view)) {
    return nullptr;
  }
  if (Attachments* attachments = Attachments::Ensure(instance)) {
    attachments->Attach(place, call[3], view);
  }
  return nullptr;
}

// detachRawMemory(instance, memoryIndex, window).
napi_value DetachRawMemory(const InnerCall& call) {
  Handle* instance = call.Unwrapped(0, Kind::kInstance);
  MemoryPlace place;
  if (instance == nullptr ||
      !ReadValue(call.env(), call[1], &place.memory_index) ||
      !ReadValue(call.env(), call[2], &place.window)) {
    return nullptr;
  }
  if (Attachments* attachments = Attachments::Ensure(instance)) {
    attachments->Detach(place);
  }
  return nullptr;
}

// collectInnerGarbage(): boolean, see Agent::CollectInnerGarbage.
napi_value CollectInnerGarbage(const Arguments& args) {
  auto* agent = args.data<Agent>();
  return NewBoolean(args.env(),
                    agent->is_open() && agent->CollectInnerGarbage());
}

// version(): that of the inner V8.
napi_value Version(const Arguments& args) {
  return NewString(args.env(), v8::V8::GetVersion());
}

}  // namespace

bool InitWebAssembly(napi_env env, napi_value exports) {
  auto* agent = new Agent(env);
  if (napi_set_instance_data(
          env, agent,
          [](napi_env, void* data, void*) {
            static_cast<Agent*>(data)->Unref();
          },
          nullptr) != napi_ok) {
    agent->Unref();
    return false;
  }
  return DefineFunctions(
      env, exports,
      {
          {"start", Call<Start>},
          {"construct", Call<Enter<Construct>>},
          {"invoke", Call<Enter<Invoke>>},
          {"getProperty", Call<Enter<GetProperty>>},
          {"setProperty", Call<Enter<SetProperty>>},
          {"compile", Call<Enter<Compile>>},
          {"compileAsync", Call<Enter<CompileAsync>>},
          {"validate", Call<Enter<Validate>>},
          {"describe", Call<Enter<Describe>>},
          {"customSections", Call<Enter<CustomSections>>},
          {"instantiate", Call<Enter<Instantiate>>},
          {"memoryBuffer", Call<Enter<MemoryBuffer>>},
          {"attachMemory", Call<Enter<AttachMemory>>},
          {"detachMemory", Call<Enter<DetachMemory>>},
          {"isMemoryAttached", Call<Enter<IsMemoryAttached>>},
          {"wireBytes", Call<Enter<WireBytes>>},
          {"serializeModule", Call<Enter<SerializeModule>>},
          {"deserializeModule", Call<Enter<DeserializeModule>>},
          {"jsTag", Call<Enter<JsTag>>},
          {"attachRawMemory", Call<Enter<AttachRawMemory>>},
          {"detachRawMemory", Call<Enter<DetachRawMemory>>},
          {"collectInnerGarbage", Call<CollectInnerGarbage>},
          {"version", Call<Version>},
      },
      agent);
}

}  // namespace rawmem
