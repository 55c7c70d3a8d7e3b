#include "functions.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "border.h"
#include "common/napi/arguments.h"
#include "common/napi/exceptions.h"
#include "common/napi/reference.h"
#include "handle.h"
#include "number_call.h"
#include "pointer_tags.h"
#include "store.h"
#include "tracing.h"
#include "values.h"

namespace rawmem {

namespace {

// Calls with more arguments or results than this take memory from the heap.
constexpr size_t kInlineValues = Arguments::kCapacity;

template <typename T>
class ValueList {
 public:
  explicit ValueList(size_t size)
      : heap_(size > kInlineValues ? std::make_unique<T[]>(size) : nullptr),
        data_(heap_ ? heap_.get() : inline_.data()) {}

  T* data() { return data_; }
  T& operator[](size_t i) { return data_[i]; }

 private:
  std::array<T, kInlineValues> inline_;
  std::unique_ptr<T[]> heap_;
  T* data_;
};

// The C++ side of an inner function that calls one of Node's.
struct Import final : public RecordOf<v8::Function> {
  Import(Agent* agent, napi_value function)
      : agent(agent), outer(agent->env(), function) {
    Link(agent->records());
  }

  void Trace(Tracing& tracing) override {
    const napi_value function = outer.Value();
    if (!inner.IsEmpty() && function != nullptr) {
      tracing.AddValue(inner.Get(agent->isolate()), function);
    }
  }

  Agent* const agent;
  // The store of what imports it keeps the function.
  const WeakReference outer;
};

napi_value CallExport(const Arguments& args) {
  auto* handle = args.data<Handle>();
  Agent* agent = handle->agent.get();
  if (args.IsConstructCall()) {
    ThrowTypeError(args.env(), "A WebAssembly function is not a constructor");
    return nullptr;
  }
  const Border border(agent);
  // Keeps the function, hence the store it is in, alive during the call.
  if (!border.is_open() || handle->outer.Value() == nullptr) {
    return nullptr;
  }
  Entry entry(border, handle->store.get());
  if (!entry.is_open()) {
    return nullptr;
  }
  v8::Isolate* isolate = agent->isolate();
  if (handle->calls < NumberCalls::kManyCalls &&
      ++handle->calls == NumberCalls::kManyCalls) {
    handle->number_call = agent->number_calls().Find(
        isolate, handle->inner.Get(isolate).As<v8::Function>());
  }
  NumberCall::Values values;
  if (const NumberCall* call = handle->number_call;
      call != nullptr && call->ReadArguments(args, &values)) {
    return entry.Run([&] {
      return call->caller()->Call(agent->context(),
                                  handle->inner.Get(isolate).As<v8::Function>(),
                                  values.data()) == v8::WasmCallResult::kDone;
    })
               ? call->Result(args.env(), values)
               : nullptr;
  }
  const size_t count = static_cast<size_t>(handle->parameter_count);
  ValueList<v8::Local<v8::Value>> arguments(count);
  if (count > Arguments::kCapacity) {
    ValueList<napi_value> outer_arguments(count);
    if (!args.ReadMany(count, outer_arguments.data())) {
      return nullptr;
    }
    for (size_t i = 0; i < count; ++i) {
      if (!ToInner(agent, outer_arguments[i]).ToLocal(&arguments[i])) {
        return nullptr;
      }
    }
  } else {
    for (size_t i = 0; i < count; ++i) {
      if (!ToInner(agent, args[i]).ToLocal(&arguments[i])) {
        return nullptr;
      }
    }
  }
  v8::Local<v8::Value> result;
  const bool succeeded = entry.Run(
      [&] {
        return handle->inner.Get(isolate).As<v8::Function>()->Call(
            isolate, agent->context(), v8::Undefined(isolate),
            static_cast<int>(count), arguments.data());
      },
      &result);
  // Most functions return undefined, which is what null is taken for.
  return succeeded && !result->IsUndefined() ? ToOuter(agent, result) : nullptr;
}

void CallImport(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto* import = static_cast<Import*>(
      info.Data().As<v8::External>()->Value(kImportPointer));
  Agent* agent = import->agent;
  OuterCall outer_call(agent);
  if (!outer_call.is_open()) {
    return;
  }
  const size_t count = static_cast<size_t>(info.Length());
  ValueList<napi_value> arguments(count);
  for (size_t i = 0; i < count; ++i) {
    arguments[i] = ToOuter(agent, info[static_cast<int>(i)]);
    if (arguments[i] == nullptr) {
      return;
    }
  }
  const napi_value function = import->outer.Value();
  const napi_value result =
      function == nullptr ? nullptr
                          : agent->CallOuter(function, count, arguments.data());
  v8::Local<v8::Value> inner;
  if (result != nullptr && ToInner(agent, result).ToLocal(&inner)) {
    info.GetReturnValue().Set(inner);
    outer_call.Succeed();
  }
}

// Properties that are neither writable nor enumerable, as functions have them.
bool DefineLength(napi_env env, napi_value function, int length) {
  napi_value value;
  if (napi_create_int32(env, length, &value) != napi_ok) {
    return false;
  }
  napi_property_descriptor property = {};
  property.utf8name = "length";
  property.value = value;
  property.attributes = napi_configurable;
  return napi_define_properties(env, function, 1, &property) == napi_ok;
}

}  // namespace

napi_value NewExportedFunction(Agent* agent, v8::Local<v8::Function> function) {
  napi_env env = agent->env();
  v8::Isolate* isolate = agent->isolate();
  v8::String::Utf8Value name(isolate, function->GetName());
  v8::Local<v8::Value> length;
  int parameter_count = 0;
  if (function
          ->Get(agent->context(),
                v8::String::NewFromUtf8Literal(isolate, "length"))
          .ToLocal(&length) &&
      length->IsInt32()) {
    parameter_count = length.As<v8::Int32>()->Value();
  }
  auto handle = std::make_unique<Handle>(agent, Kind::kFunction);
  handle->parameter_count = parameter_count;
  napi_value result;
  return napi_create_function(env, *name ? *name : "", NAPI_AUTO_LENGTH,
                              Call<CallExport>, handle.get(),
                              &result) == napi_ok &&
                 DefineLength(env, result, parameter_count) &&
                 Wrap(std::move(handle), result, function) != nullptr
             ? result
             : nullptr;
}

v8::MaybeLocal<v8::Function> NewImportedFunction(Agent* agent,
                                                 napi_value function) {
  napi_env env = agent->env();
  v8::Isolate* isolate = agent->isolate();
  auto import = std::make_unique<Import>(agent, function);
  v8::Local<v8::Function> result;
  if (import->outer.is_empty() ||
      !v8::Function::New(
           agent->context(), CallImport,
           v8::External::New(isolate, import.get(), kImportPointer), 0,
           v8::ConstructorBehavior::kThrow)
           .ToLocal(&result)) {
    ThrowError(env, "v8-rawmem: a function cannot be imported");
    return {};
  }
  import->inner.Reset(isolate, result);
  import.release()->LeaveToObject();
  return result;
}

}  // namespace rawmem
