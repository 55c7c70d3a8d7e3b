// Values that functions of the addon return. Null on failure.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_RESULTS_H_
#define BINDINGS_NATIVE_COMMON_NAPI_RESULTS_H_

#include <node_api.h>

#include <string_view>

namespace rawmem {

inline napi_value NewBoolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

inline napi_value NewNumber(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value NewString(napi_env env, std::string_view text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_RESULTS_H_
