// WebAssembly.Instance, and what instances are attached to.

#include <algorithm>
#include <vector>

#include "chunk_feeder.h"
#include "common/napi/array_buffers.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/region.h"
#include "errors.h"
#include "functions.h"
#include "handle.h"
#include "host_windows.h"
#include "inner_call.h"
#include "raw_memory.h"
#include "store.h"
#include "v8-container.h"
#include "values.h"
#include "web_assembly.h"

namespace rawmem {

namespace {

// What keeping an instance costs, beside the memories, which are counted as
// such.
constexpr int64_t kInstanceBytes = 16 * 1024;

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

// Names and values of what an instance exports, in turns.
bool ReadExports(v8::Local<v8::Context> context,
                 v8::Local<v8::Object> exports,
                 InnerArguments* result) {
  v8::Local<v8::Array> names;
  if (!exports
           ->GetOwnPropertyNames(context, v8::PropertyFilter::ALL_PROPERTIES,
                                 v8::KeyConversionMode::kConvertToString)
           .ToLocal(&names)) {
    return false;
  }
  for (uint32_t i = 0; i < names->Length(); ++i) {
    v8::Local<v8::Value> name, value;
    if (!names->Get(context, i).ToLocal(&name) ||
        !exports->Get(context, name).ToLocal(&value)) {
      return false;
    }
    result->push_back(name);
    result->push_back(value);
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
  Entry entry(call.border(), store.get());
  v8::Local<v8::Object> imports =
      v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  {
    v8::TryCatch try_catch(isolate);
    if (!BuildImports(agent, call[2], imports)) {
      if (try_catch.HasCaught()) {
        ThrowToOuter(agent, try_catch);
      }
      return nullptr;
    }
  }
  v8::Local<v8::Object> instance;
  InnerArguments exports;
  // The start function runs here. Segments may go into memories that are in use
  // elsewhere, and the start function may be that of another instance.
  if (!entry.Run(
          [&]() -> v8::MaybeLocal<v8::Object> {
            v8::Local<v8::Value> arguments[] = {module->inner.Get(isolate),
                                                imports};
            v8::Local<v8::Value> constructor, exported;
            v8::Local<v8::Object> made;
            if (!agent->web_assembly()
                     ->Get(context, InnerName(agent, "Instance"))
                     .ToLocal(&constructor) ||
                !constructor.As<v8::Function>()
                     ->NewInstance(context, 2, arguments)
                     .ToLocal(&made) ||
                !made->Get(context, InnerName(agent, "exports"))
                     .ToLocal(&exported) ||
                !ReadExports(context, exported.As<v8::Object>(), &exports)) {
              return {};
            }
            return made;
          },
          &instance)) {
    return nullptr;
  }
  Handle* handle = Wrap(agent, call[0], Kind::kInstance, instance);
  napi_value result;
  if (handle == nullptr ||
      napi_create_array_with_length(env, exports.size(), &result) != napi_ok) {
    return nullptr;
  }
  SetExternalBytes(handle, kInstanceBytes);
  for (uint32_t i = 0; i < exports.size(); ++i) {
    const napi_value outer = ToOuter(agent, exports[i]);
    if (outer == nullptr ||
        napi_set_element(env, result, i, outer) != napi_ok) {
      return nullptr;
    }
  }
  return result;
}

// attachRawMemory(instance, memoryIndex, window, handle, offset, length).
// `window` is undefined for the memory itself.
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

// The bytes that a host window of the instance shows from `address` on. Null,
// with an exception pending if they are gone, if it does not show them all.
uint8_t* ShownBytes(const InnerCall& call,
                    Handle* instance,
                    uint32_t address,
                    size_t length) {
  Attachments* attachments =
      Attachments::Of(call.agent(), instance->inner.Get(call.isolate()));
  Attachment* window = attachments == nullptr
                           ? nullptr
                           : attachments->FindWindow(address, length);
  return window != nullptr && CheckBorrowed(call.agent(), window)
             ? window->data + (address - window->place.Address())
             : nullptr;
}

// readWindow(instance, address, length): an ArrayBuffer with a copy; undefined
// if no host window shows all of that.
napi_value ReadWindow(const InnerCall& call) {
  Handle* instance = call.Unwrapped(0, Kind::kInstance);
  uint32_t address;
  size_t length;
  if (instance == nullptr || !ReadValue(call.env(), call[1], &address) ||
      !ReadValue(call.env(), call[2], &length)) {
    return nullptr;
  }
  const uint8_t* bytes = ShownBytes(call, instance, address, length);
  return bytes == nullptr ? nullptr : CopyToBuffer(call.env(), bytes, length);
}

// writeWindow(instance, address, bytes): boolean, whether a host window shows
// all of that.
napi_value WriteWindow(const InnerCall& call) {
  Handle* instance = call.Unwrapped(0, Kind::kInstance);
  uint32_t address;
  Bytes source;
  if (instance == nullptr || !ReadValue(call.env(), call[1], &address) ||
      !ReadValue(call.env(), call[2], &source)) {
    return nullptr;
  }
  uint8_t* bytes = ShownBytes(call, instance, address, source.length);
  if (bytes != nullptr) {
    std::copy_n(source.data, source.length, bytes);
  }
  return NewBoolean(call.env(), bytes != nullptr);
}

}  // namespace

bool InitInstances(napi_env env, napi_value exports, Agent* agent) {
  return DefineFunctions(env, exports,
                         {
                             {"instantiate", Enter<Instantiate>},
                             {"attachRawMemory", Enter<AttachRawMemory>},
                             {"detachRawMemory", Enter<DetachRawMemory>},
                             {"readWindow", Enter<ReadWindow>},
                             {"writeWindow", Enter<WriteWindow>},
                         },
                         agent);
}

}  // namespace rawmem
