// What a function of the addon is called with.
//
// People's arguments are checked in TypeScript. What is checked here is that
// TypeScript and C++ agree.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_ARGUMENTS_H_
#define BINDINGS_NATIVE_COMMON_NAPI_ARGUMENTS_H_

#include <node_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "exceptions.h"

namespace rawmem {

// Those of a Uint8Array, and the ArrayBuffer or SharedArrayBuffer they are in.
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
  napi_value buffer = nullptr;
};

// A bigint.
struct Address {
  uint64_t value = 0;
};

// Each gives false, and throws nothing, if `value` is something else.
bool ReadValue(napi_env env, napi_value value, bool* result);
bool ReadValue(napi_env env, napi_value value, int32_t* result);
bool ReadValue(napi_env env, napi_value value, uint32_t* result);
// An integer from 0 to 2^53.
bool ReadValue(napi_env env, napi_value value, size_t* result);
bool ReadValue(napi_env env, napi_value value, Address* result);
bool ReadValue(napi_env env, napi_value value, std::string* result);
bool ReadValue(napi_env env, napi_value value, std::u16string* result);
bool ReadValue(napi_env env, napi_value value, Bytes* result);
// The elements of an array.
bool ReadValue(napi_env env, napi_value value, std::vector<napi_value>* result);
// Anything.
inline bool ReadValue(napi_env, napi_value value, napi_value* result) {
  *result = value;
  return true;
}
// Nothing for undefined.
template <typename T>
bool ReadValue(napi_env env, napi_value value, std::optional<T>* result) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_undefined) {
    result->reset();
    return true;
  }
  return ReadValue(env, value, &result->emplace());
}
// The number of an enumerator.
template <typename T>
  requires std::is_enum_v<T>
bool ReadValue(napi_env env, napi_value value, T* result) {
  int32_t number;
  if (!ReadValue(env, value, &number)) {
    return false;
  }
  *result = static_cast<T>(number);
  return true;
}

class Arguments final {
 public:
  static constexpr size_t kCapacity = 9;

  Arguments(napi_env env, napi_callback_info info) : env_(env), info_(info) {
    napi_get_cb_info(env, info, &count_, values_.data(), nullptr, &data_);
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  napi_env env() const { return env_; }
  // How many the caller gave. Beyond them, up to kCapacity, all is undefined.
  size_t count() const { return count_; }
  napi_value operator[](size_t i) const { return values_[i]; }
  // What the function was defined with.
  template <typename T>
  T* data() const {
    return static_cast<T*>(data_);
  }
  bool IsConstructCall() const {
    napi_value new_target = nullptr;
    napi_get_new_target(env_, info_, &new_target);
    return new_target != nullptr;
  }

  // Reads the first ones. False, with a TypeError that has the message
  // `expected` pending, unless each is what its type says.
  template <typename... T>
  bool Read(const char* expected, T*... results) const {
    static_assert(sizeof...(results) <= kCapacity);
    size_t i = 0;
    return (ReadValue(env_, values_[i++], results) && ...) ||
           ThrowTypeError(env_, expected);
  }

  // The first `count`, which may be more than kCapacity. False on failure.
  bool ReadMany(size_t count, napi_value* results) const {
    return napi_get_cb_info(env_, info_, &count, results, nullptr, nullptr) ==
           napi_ok;
  }

 private:
  napi_env const env_;
  napi_callback_info const info_;
  size_t count_ = kCapacity;
  std::array<napi_value, kCapacity> values_ = {};
  void* data_ = nullptr;
};

// What Node calls in place of `kFunction`.
template <napi_value (*kFunction)(const Arguments& arguments)>
napi_value Call(napi_env env, napi_callback_info info) {
  return kFunction(Arguments(env, info));
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_ARGUMENTS_H_
