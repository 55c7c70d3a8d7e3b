#include "arguments.h"

#include <cmath>

#include "common/fixed_sizes.h"

namespace rawmem {

bool ReadValue(napi_env env, napi_value value, bool* result) {
  return napi_get_value_bool(env, value, result) == napi_ok;
}

bool ReadValue(napi_env env, napi_value value, int32_t* result) {
  return napi_get_value_int32(env, value, result) == napi_ok;
}

bool ReadValue(napi_env env, napi_value value, uint32_t* result) {
  return napi_get_value_uint32(env, value, result) == napi_ok;
}

bool ReadValue(napi_env env, napi_value value, size_t* result) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok ||
      !(number >= 0 && number <= kMaxExactInteger) ||
      number != std::floor(number)) {
    return false;
  }
  *result = static_cast<size_t>(number);
  return true;
}

bool ReadValue(napi_env env, napi_value value, Address* result) {
  bool lossless = false;
  return napi_get_value_bigint_uint64(env, value, &result->value, &lossless) ==
             napi_ok &&
         lossless;
}

bool ReadValue(napi_env env, napi_value value, std::string* result) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    return false;
  }
  result->resize(length);
  return napi_get_value_string_utf8(env, value, result->data(), length + 1,
                                    &length) == napi_ok;
}

bool ReadValue(napi_env env, napi_value value, std::u16string* result) {
  size_t length;
  if (napi_get_value_string_utf16(env, value, nullptr, 0, &length) != napi_ok) {
    return false;
  }
  result->resize(length);
  return napi_get_value_string_utf16(env, value, result->data(), length + 1,
                                     &length) == napi_ok;
}

bool ReadValue(napi_env env, napi_value value, Bytes* result) {
  napi_typedarray_type type;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &result->length, &data,
                               &result->buffer, nullptr) != napi_ok) {
    return false;
  }
  result->data = static_cast<uint8_t*>(data);
  return type == napi_uint8_array;
}

bool ReadValue(napi_env env,
               napi_value value,
               std::vector<napi_value>* result) {
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok) {
    return false;
  }
  result->resize(length);
  for (uint32_t i = 0; i < length; ++i) {
    if (napi_get_element(env, value, i, &(*result)[i]) != napi_ok) {
      return false;
    }
  }
  return true;
}

}  // namespace rawmem
