#include "number_call.h"

#include <cstring>
#include <tuple>

namespace rawmem {

namespace {

template <typename T>
bool Append(bool is_number, T number, char** end) {
  if (!is_number) {
    return false;
  }
  std::memcpy(*end, &number, sizeof number);
  *end += sizeof number;
  return true;
}

bool AppendArgument(napi_env env,
                    napi_value value,
                    v8::WasmNumberType type,
                    char** end) {
  using Type = v8::WasmNumberType;
  switch (type) {
    case Type::kI32: {
      int32_t number;
      const bool is_number = ReadValue(env, value, &number);
      return Append(is_number, number, end);
    }
    case Type::kI64: {
      int64_t number;
      bool lossless;
      const napi_status status =
          napi_get_value_bigint_int64(env, value, &number, &lossless);
      return Append(status == napi_ok, number, end);
    }
    case Type::kF32: {
      double number = 0;
      const napi_status status = napi_get_value_double(env, value, &number);
      return Append(status == napi_ok, static_cast<float>(number), end);
    }
    case Type::kF64: {
      double number;
      const napi_status status = napi_get_value_double(env, value, &number);
      return Append(status == napi_ok, number, end);
    }
  }
  return false;
}

template <typename T>
T First(const NumberCall::Values& values) {
  T number;
  std::memcpy(&number, values.data(), sizeof number);
  return number;
}

}  // namespace

NumberCall::NumberCall(v8::Isolate* isolate, Types parameters, Types results)
    : parameters_(parameters),
      result_(results.empty() ? std::nullopt : std::optional(results[0])),
      caller_(v8::WasmCaller::New(isolate,
                                  std::move(parameters),
                                  std::move(results))) {}

bool NumberCall::ReadArguments(const Arguments& arguments,
                               Values* values) const {
  char* end = values->data();
  size_t i = 0;
  for (const v8::WasmNumberType type : parameters_) {
    if (!AppendArgument(arguments.env(), arguments[i++], type, &end)) {
      return false;
    }
  }
  return true;
}

napi_value NumberCall::Result(napi_env env, const Values& values) const {
  using Type = v8::WasmNumberType;
  napi_value result = nullptr;
  if (!result_) {
    return nullptr;
  }
  switch (*result_) {
    case Type::kI32:
      napi_create_int32(env, First<int32_t>(values), &result);
      break;
    case Type::kI64:
      napi_create_bigint_int64(env, First<int64_t>(values), &result);
      break;
    case Type::kF32:
      napi_create_double(env, First<float>(values), &result);
      break;
    case Type::kF64:
      napi_create_double(env, First<double>(values), &result);
      break;
  }
  return result;
}

const NumberCall* NumberCalls::Find(v8::Isolate* isolate,
                                    v8::Local<v8::Function> function) {
  NumberCall::Types parameters, results;
  if (!v8::WasmCaller::GetType(function, &parameters, &results) ||
      parameters.size() > Arguments::kCapacity || results.size() > 1) {
    return nullptr;
  }
  auto found = calls_.find({parameters, results});
  if (found == calls_.end()) {
    found = calls_
                .emplace(std::piecewise_construct,
                         std::forward_as_tuple(parameters, results),
                         std::forward_as_tuple(isolate, parameters, results))
                .first;
  }
  return &found->second;
}

}  // namespace rawmem
