#include "values.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "common/napi/exceptions.h"
#include "common/napi/handle_scope.h"
#include "common/napi/reference.h"
#include "errors.h"
#include "handle.h"
#include "raw_memory.h"
#include "tracing.h"
#include "v8-container.h"
#include "v8-external-memory-accounter.h"

namespace rawmem {

namespace {

constexpr v8::EmbedderDataTypeTag kOpaqueTag = 1;

// What the inner garbage collector is told an opaque object costs, as it holds
// an object of unknown size in the other heap.
constexpr size_t kOpaqueBytes = 512;

// The C++ side of an opaque object.
struct Opaque final : public RecordOf<v8::Object> {
  Opaque(Agent* agent,
         StrongReference untraced_value,
         v8::Local<v8::Object> object)
      : agent(agent), untraced(std::move(untraced_value)) {
    Link(agent->records());
    agent->NoteChange();
    inner.Reset(agent->isolate(), object);
    accounter.Increase(agent->isolate(), kOpaqueBytes);
  }
  ~Opaque() override { accounter.Decrease(agent->isolate(), kOpaqueBytes); }

  napi_value Value() const {
    return untraced.is_empty() ? traced.Value() : untraced.Value();
  }

  void Trace(Tracing& tracing) override {
    const napi_value value = Value();
    if (!inner.IsEmpty() && value != nullptr) {
      tracing.AddValue(inner.Get(agent->isolate()), value);
    }
  }

  // Now whatever leads here keeps the value.
  void OnTraced() override {
    if (!untraced.is_empty()) {
      traced = std::move(untraced).Weaken();
    }
  }

  Agent* const agent;
  v8::ExternalMemoryAccounter accounter;
  // One of the two refers to the value.
  StrongReference untraced;
  WeakReference traced;
};

v8::MaybeLocal<v8::Value> NewOpaque(Agent* agent, napi_value value) {
  v8::Local<v8::Object> object;
  StrongReference outer(agent->env(), value);
  if (outer.is_empty() || !agent->opaque_template()
                               ->InstanceTemplate()
                               ->NewInstance(agent->context())
                               .ToLocal(&object)) {
    ThrowError(agent->env(),
               "v8-rawmem: a value cannot be passed to the engine");
    return {};
  }
  auto* opaque = new Opaque(agent, std::move(outer), object);
  opaque->LeaveToObject();
  object->SetAlignedPointerInInternalField(0, opaque, kOpaqueTag);
  return object;
}

// Hands `argv` to a hook, and what it returns to the inner caller.
void ReturnFromHook(Agent* agent,
                    const v8::FunctionCallbackInfo<v8::Value>& info,
                    Hook hook,
                    const char* hint) {
  if (!agent->MayCallOuter()) {
    return;
  }
  napi_env env = agent->env();
  const HandleScope scope(env);
  if (!scope.is_open()) {
    return;
  }
  napi_value argv[2] = {FromOpaque(agent, info.This()), nullptr};
  v8::Local<v8::Value> result;
  if (argv[0] == nullptr) {
    info.GetIsolate()->ThrowException(
        v8::Exception::TypeError(v8::String::NewFromUtf8Literal(
            info.GetIsolate(), "Receiver is not a host value")));
  } else if (napi_create_string_utf8(env, hint, NAPI_AUTO_LENGTH, &argv[1]) ==
                 napi_ok &&
             ([&] {
               napi_value value = agent->CallHook(hook, 2, argv);
               return value != nullptr && CheckBorrowed(agent) &&
                      ToInner(agent, value).ToLocal(&result);
             })()) {
    info.GetReturnValue().Set(result);
  } else {
    ThrowToInner(agent);
  }
}

// Symbol.toPrimitive of opaque objects, for conversions to numbers.
void ToPrimitive(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto* agent = static_cast<Agent*>(info.GetIsolate()->GetData(0));
  v8::String::Utf8Value hint(info.GetIsolate(), info[0]);
  ReturnFromHook(agent, info, Hook::kToPrimitive, *hint ? *hint : "default");
}

// Symbol.iterator of opaque objects, for functions with several results.
void Iterate(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* agent = static_cast<Agent*>(isolate->GetData(0));
  if (!agent->MayCallOuter()) {
    return;
  }
  v8::Local<v8::Context> context = agent->context();
  napi_env env = agent->env();
  const HandleScope scope(env);
  if (!scope.is_open()) {
    return;
  }
  bool done = false;
  napi_value outer = FromOpaque(agent, info.This());
  napi_value list =
      outer == nullptr ? nullptr : agent->CallHook(Hook::kToList, 1, &outer);
  uint32_t length = 0;
  if (list != nullptr && CheckBorrowed(agent) &&
      napi_get_array_length(env, list, &length) == napi_ok) {
    done = true;
    std::vector<v8::Local<v8::Value>> elements(length);
    for (uint32_t i = 0; done && i < length; ++i) {
      napi_value element;
      done = napi_get_element(env, list, i, &element) == napi_ok &&
             ToInner(agent, element).ToLocal(&elements[i]);
    }
    v8::Local<v8::Value> values, iterator;
    v8::Local<v8::Array> array;
    if (done) {
      array = v8::Array::New(isolate, elements.data(), elements.size());
      if (array->Get(context, v8::String::NewFromUtf8Literal(isolate, "values"))
              .ToLocal(&values) &&
          values.As<v8::Function>()
              ->Call(context, array, 0, nullptr)
              .ToLocal(&iterator)) {
        info.GetReturnValue().Set(iterator);
      }
    }
  }
  if (!done) {
    ThrowToInner(agent);
  }
}

v8::MaybeLocal<v8::Value> StringToInner(Agent* agent, napi_value value) {
  napi_env env = agent->env();
  size_t length;
  if (napi_get_value_string_utf16(env, value, nullptr, 0, &length) != napi_ok) {
    return {};
  }
  std::u16string units(length + 1, u'\0');
  v8::Local<v8::String> string;
  if (napi_get_value_string_utf16(env, value, units.data(), units.size(),
                                  &length) != napi_ok ||
      length > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !v8::String::NewFromTwoByte(
           agent->isolate(), reinterpret_cast<const uint16_t*>(units.data()),
           v8::NewStringType::kNormal, static_cast<int>(length))
           .ToLocal(&string)) {
    ThrowRangeError(env, "The string is too long for the engine");
    return {};
  }
  return string;
}

v8::MaybeLocal<v8::Value> BigIntToInner(Agent* agent, napi_value value) {
  napi_env env = agent->env();
  int64_t number;
  bool lossless;
  if (napi_get_value_bigint_int64(env, value, &number, &lossless) != napi_ok) {
    return {};
  }
  if (lossless) {
    return v8::BigInt::New(agent->isolate(), number);
  }
  size_t count = 0;
  int sign;
  if (napi_get_value_bigint_words(env, value, nullptr, &count, nullptr) !=
      napi_ok) {
    return {};
  }
  std::vector<uint64_t> words(count);
  v8::Local<v8::BigInt> result;
  if (napi_get_value_bigint_words(env, value, &sign, &count, words.data()) !=
          napi_ok ||
      !v8::BigInt::NewFromWords(agent->context(), sign, static_cast<int>(count),
                                words.data())
           .ToLocal(&result)) {
    ThrowRangeError(env, "The bigint is too large for the engine");
    return {};
  }
  return result;
}

napi_value StringToOuter(Agent* agent, v8::Local<v8::String> string) {
  std::u16string units(string->Length(), u'\0');
  string->WriteV2(agent->isolate(), 0, string->Length(),
                  reinterpret_cast<uint16_t*>(units.data()));
  napi_value result = nullptr;
  napi_create_string_utf16(agent->env(), units.data(), units.size(), &result);
  return result;
}

napi_value BigIntToOuter(Agent* agent, v8::Local<v8::BigInt> bigint) {
  napi_value result = nullptr;
  bool lossless;
  const int64_t number = bigint->Int64Value(&lossless);
  if (lossless) {
    napi_create_bigint_int64(agent->env(), number, &result);
    return result;
  }
  int count = bigint->WordCount();
  int sign;
  std::vector<uint64_t> words(count);
  bigint->ToWordsArray(&sign, &count, words.data());
  napi_create_bigint_words(agent->env(), sign, count, words.data(), &result);
  return result;
}

// Several results of a function.
napi_value ArrayToOuter(Agent* agent, v8::Local<v8::Array> array) {
  napi_value result;
  if (napi_create_array_with_length(agent->env(), array->Length(), &result) !=
      napi_ok) {
    return nullptr;
  }
  for (uint32_t i = 0; i < array->Length(); ++i) {
    v8::Local<v8::Value> element;
    if (!array->Get(agent->context(), i).ToLocal(&element)) {
      return nullptr;
    }
    napi_value outer = ToOuter(agent, element);
    if (outer == nullptr ||
        napi_set_element(agent->env(), result, i, outer) != napi_ok) {
      return nullptr;
    }
  }
  return result;
}

}  // namespace

v8::Local<v8::FunctionTemplate> NewOpaqueTemplate(Agent* agent) {
  v8::Isolate* isolate = agent->isolate();
  v8::Local<v8::FunctionTemplate> result = v8::FunctionTemplate::New(isolate);
  result->InstanceTemplate()->SetInternalFieldCount(1);
  v8::Local<v8::Signature> signature = v8::Signature::New(isolate, result);
  result->PrototypeTemplate()->Set(
      v8::Symbol::GetToPrimitive(isolate),
      v8::FunctionTemplate::New(isolate, ToPrimitive, {}, signature));
  result->PrototypeTemplate()->Set(
      v8::Symbol::GetIterator(isolate),
      v8::FunctionTemplate::New(isolate, Iterate, {}, signature));
  return result;
}

napi_value FromOpaque(Agent* agent, v8::Local<v8::Value> value) {
  if (!value->IsObject() || !agent->opaque_template()->HasInstance(value)) {
    return nullptr;
  }
  auto* opaque = static_cast<Opaque*>(
      value.As<v8::Object>()->GetAlignedPointerFromInternalField(
          agent->isolate(), 0, kOpaqueTag));
  return opaque->Value();
}

v8::MaybeLocal<v8::Value> ToInner(Agent* agent, napi_value value) {
  napi_env env = agent->env();
  v8::Isolate* isolate = agent->isolate();
  double number;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    return v8::Number::New(isolate, number);
  }
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok) {
    return {};
  }
  switch (type) {
    case napi_undefined:
      return v8::Undefined(isolate);
    case napi_null:
      return v8::Null(isolate);
    case napi_boolean: {
      bool boolean = false;
      napi_get_value_bool(env, value, &boolean);
      return v8::Boolean::New(isolate, boolean);
    }
    case napi_bigint:
      return BigIntToInner(agent, value);
    case napi_string:
      return StringToInner(agent, value);
    case napi_object:
    case napi_function:
      if (Handle* handle = Unwrap(agent, value)) {
        if (!LinkToEntered(handle)) {
          return {};
        }
        return handle->inner.Get(isolate);
      }
      return NewOpaque(agent, value);
    default:
      return NewOpaque(agent, value);
  }
}

napi_value ToOuter(Agent* agent, v8::Local<v8::Value> value) {
  napi_env env = agent->env();
  napi_value result = nullptr;
  if (value->IsInt32()) {
    napi_create_int32(env, value.As<v8::Int32>()->Value(), &result);
  } else if (value->IsNumber()) {
    napi_create_double(env, value.As<v8::Number>()->Value(), &result);
  } else if (value->IsBigInt()) {
    return BigIntToOuter(agent, value.As<v8::BigInt>());
  } else if (value->IsUndefined()) {
    napi_get_undefined(env, &result);
  } else if (value->IsNull()) {
    napi_get_null(env, &result);
  } else if (value->IsBoolean()) {
    napi_get_boolean(env, value.As<v8::Boolean>()->Value(), &result);
  } else if (value->IsString()) {
    return StringToOuter(agent, value.As<v8::String>());
  } else if (napi_value outer = FromOpaque(agent, value)) {
    return outer;
  } else if (value->IsArray()) {
    return ArrayToOuter(agent, value.As<v8::Array>());
  } else if (value->IsNativeError()) {
    return ErrorToOuter(agent, value.As<v8::Object>());
  } else if (value->IsObject()) {
    return WrapperOf(agent, value.As<v8::Object>());
  } else {
    ThrowTypeError(env, "The engine gave a value that has no counterpart");
  }
  return result;
}

}  // namespace rawmem
