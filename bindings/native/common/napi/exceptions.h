// Exceptions for JavaScript.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_EXCEPTIONS_H_
#define BINDINGS_NATIVE_COMMON_NAPI_EXCEPTIONS_H_

#include <node_api.h>

#include <string>

namespace rawmem {

// Each makes one pending, unless one is already, and gives false: what failed.

inline bool ThrowError(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return false;
}

inline bool ThrowTypeError(napi_env env, const std::string& message) {
  napi_throw_type_error(env, nullptr, message.c_str());
  return false;
}

inline bool ThrowRangeError(napi_env env, const std::string& message) {
  napi_throw_range_error(env, nullptr, message.c_str());
  return false;
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_EXCEPTIONS_H_
