// Objects of JavaScript that stand for one of C++.
//
// No V8 header is needed here; everything is plain Node-API.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_TAGGED_OBJECT_H_
#define BINDINGS_NATIVE_COMMON_NAPI_TAGGED_OBJECT_H_

#include <node_api.h>

#include <memory>
#include <utility>

#include "exceptions.h"
#include "reference.h"

namespace rawmem {

// Has `object` own `value`, whose member `self`, if given, then refers to
// `object`. Gives `value`; null, with that gone, on failure.
template <typename T>
T* WrapTagged(napi_env env,
              napi_value object,
              const napi_type_tag& tag,
              std::unique_ptr<T> value,
              WeakReference T::* self = nullptr) {
  napi_ref reference;
  if (napi_type_tag_object(env, object, &tag) != napi_ok ||
      napi_wrap(
          env, object, value.get(),
          [](napi_env, void* data, void*) { delete static_cast<T*>(data); },
          nullptr, self == nullptr ? nullptr : &reference) != napi_ok) {
    return nullptr;
  }
  if (self != nullptr) {
    value.get()->*self = WeakReference(env, reference);
  }
  return value.release();
}

// The same with an object made for that. Null, with an exception pending, on
// failure.
template <typename T>
napi_value NewTagged(napi_env env,
                     const napi_type_tag& tag,
                     std::unique_ptr<T> value) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok ||
      WrapTagged(env, object, tag, std::move(value)) == nullptr) {
    ThrowError(env, "An object could not be created");
    return nullptr;
  }
  return object;
}

// What an object or function with that tag wraps. Null, without an exception,
// if `value` is none, whatever else it is.
template <typename T>
T* UnwrapTagged(napi_env env, const napi_type_tag& tag, napi_value value) {
  napi_valuetype type;
  bool tagged = false;
  void* data = nullptr;
  return value != nullptr && napi_typeof(env, value, &type) == napi_ok &&
                 (type == napi_object || type == napi_function) &&
                 napi_check_object_type_tag(env, value, &tag, &tagged) ==
                     napi_ok &&
                 tagged && napi_unwrap(env, value, &data) == napi_ok
             ? static_cast<T*>(data)
             : nullptr;
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_TAGGED_OBJECT_H_
