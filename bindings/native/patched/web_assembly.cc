#include "web_assembly.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent.h"
#include "call_limits.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/region.h"
#include "handle.h"
#include "hosted_memory.h"
#include "inner_call.h"
#include "raw_memory.h"
#include "store.h"
#include "v8-initialization.h"
#include "v8-wasm.h"
#include "values.h"

namespace rawmem {

namespace {

// start(hooks, maxBufferLength, heapLimit, threadName): what the addon has to
// know of TypeScript.
napi_value Start(const Arguments& args) {
  napi_value hooks;
  size_t max_length, heap_limit;
  std::string name;
  if (args.Read(
          "start: expected (hooks, maxBufferLength, heapLimit, threadName)",
          &hooks, &max_length, &heap_limit, &name)) {
    auto* agent = args.data<Agent>();
    agent->set_outer_heap_limit(heap_limit);
    agent->set_name(std::move(name));
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
  Entry entry(call.border(), kind == Kind::kMemory ? nullptr : store.get());
  InnerArguments arguments;
  v8::Local<v8::Object> object;
  if (BuildArguments(agent, args, &arguments) &&
      NewObject(entry, ClassName(kind), arguments, &object)) {
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
  Entry entry(call.border(), handle->store.get());
  InnerArguments arguments;
  v8::Local<v8::Value> result;
  if (!entry.is_open() || !BuildArguments(agent, args, &arguments) ||
      !CallMethod(entry, handle->inner.Get(call.isolate()), method, arguments,
                  &result)) {
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
  Entry entry(call.border(), handle->store.get());
  v8::Local<v8::Value> result;
  return entry.is_open() &&
                 ReadProperty(entry, handle->inner.Get(call.isolate()), name,
                              &result)
             ? ToOuter(agent, result)
             : nullptr;
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
  Entry entry(call.border(), handle->store.get());
  v8::Local<v8::Value> value;
  if (entry.is_open() && ToInner(agent, outer_value).ToLocal(&value)) {
    v8::Local<v8::Value> ignored;
    entry.Ask(
        [&]() -> v8::MaybeLocal<v8::Value> {
          return handle->inner.Get(call.isolate())
                         ->Set(call.context(), InnerName(agent, name), value)
                         .IsNothing()
                     ? v8::MaybeLocal<v8::Value>()
                     : value;
        },
        &ignored);
  }
  return nullptr;
}

// memoryBuffer(memory): an ArrayBuffer; or, if the memory borrows one, the
// region that does.
napi_value MemoryBuffer(const InnerCall& call) {
  Handle* handle = call.Unwrapped(0, Kind::kMemory);
  if (handle == nullptr) {
    return nullptr;
  }
  Entry entry(call.border(), handle->store.get());
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

// jsTag(): a wrapper of WebAssembly.JSTag.
napi_value JsTag(const InnerCall& call) {
  Agent* agent = call.agent();
  Entry entry(call.border(), nullptr);
  v8::Local<v8::Value> tag;
  return ReadProperty(entry, agent->web_assembly(), "JSTag", &tag)
             ? ToOuter(agent, tag)
             : nullptr;
}

// runWithLimits(callback, errorOf, id, timeout, stop, stackSize): calls
// `callback()`, see call_limits.h. Gives what that gives.
napi_value RunWithLimits(const InnerCall& call) {
  napi_value callback;
  CallLimits::Options options;
  std::optional<Bytes> stop;
  if (!call.Read("runWithLimits: expected (callback, errorOf, id, timeout, "
                 "stop, stackSize)",
                 &callback, &options.error_of, &options.id, &options.timeout,
                 &stop, &options.stack_size)) {
    return nullptr;
  }
  if (stop) {
    options.stop = reinterpret_cast<const int32_t*>(stop->data);
  }
  const CallLimits limits(call.agent(), options);
  return call.agent()->CallOuter(callback, 0, nullptr);
}

// abortCall(id), see Agent::AbortCall.
napi_value AbortCall(const Arguments& args) {
  size_t id;
  if (args.Read("abortCall: expected (id)", &id)) {
    args.data<Agent>()->AbortCall(id);
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

Agent* AgentOf(napi_env env) {
  void* data = nullptr;
  return napi_get_instance_data(env, &data) == napi_ok && data != nullptr
             ? static_cast<std::shared_ptr<Agent>*>(data)->get()
             : nullptr;
}

bool InitWebAssembly(napi_env env, napi_value exports) {
  auto agent =
      std::make_unique<std::shared_ptr<Agent>>(std::make_shared<Agent>(env));
  if (napi_set_instance_data(
          env, agent.get(),
          [](napi_env, void* data, void*) {
            delete static_cast<std::shared_ptr<Agent>*>(data);
          },
          nullptr) != napi_ok) {
    return false;
  }
  Agent* data = agent.release()->get();
  return InitModules(env, exports, data) && InitInstances(env, exports, data) &&
         DefineFunctions(env, exports,
                         {
                             {"start", Call<Start>},
                             {"construct", Enter<Construct>},
                             {"invoke", Enter<Invoke>},
                             {"getProperty", Enter<GetProperty>},
                             {"setProperty", Enter<SetProperty>},
                             {"memoryBuffer", Enter<MemoryBuffer>},
                             {"attachMemory", Enter<AttachMemory>},
                             {"detachMemory", Enter<DetachMemory>},
                             {"isMemoryAttached", Enter<IsMemoryAttached>},
                             {"jsTag", Enter<JsTag>},
                             {"runWithLimits", Enter<RunWithLimits>},
                             {"abortCall", Call<AbortCall>},
                             {"collectInnerGarbage", Call<CollectInnerGarbage>},
                             {"version", Call<Version>},
                         },
                         data);
}

}  // namespace rawmem
