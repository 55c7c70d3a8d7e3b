// Objects of JavaScript that stand for one of C++.
//
// Other addons wrap objects too, so what an object wraps may be anything. Type
// tags would tell, but asking for one takes as long as a whole call into
// WebAssembly. Here each class knows which of its objects are wrapped.
//
// No V8 header is needed here; everything is plain Node-API.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_WRAPPED_OBJECT_H_
#define BINDINGS_NATIVE_COMMON_NAPI_WRAPPED_OBJECT_H_

#include <node_api.h>

#include <memory>
#include <unordered_set>
#include <utility>

#include "exceptions.h"
#include "reference.h"

namespace rawmem {

// The objects of class T that are wrapped on this thread.
template <typename T>
class Wrapped {
 public:
  static void Add(const void* value) {
    if (values_ == nullptr) {
      values_ = new Values();
    }
    values_->insert(value);
  }
  static void Remove(const void* value) {
    values_->erase(value);
    if (values_->empty()) {
      delete std::exchange(values_, nullptr);
    }
  }
  static bool Has(const void* value) {
    return values_ != nullptr && values_->count(value) > 0;
  }

 private:
  using Values = std::unordered_set<const void*>;
  // Goes with the last value, which may be later than what has a destructor.
  static inline thread_local Values* values_ = nullptr;
};

// Has `object` own `value`, whose member `self`, if given, then refers to
// `object`. Gives `value`; null, with that gone, on failure.
template <typename T>
T* WrapObject(napi_env env,
              napi_value object,
              std::unique_ptr<T> value,
              WeakReference T::* self = nullptr) {
  napi_ref reference;
  if (napi_wrap(
          env, object, value.get(),
          [](napi_env, void* data, void*) {
            Wrapped<T>::Remove(data);
            delete static_cast<T*>(data);
          },
          nullptr, self == nullptr ? nullptr : &reference) != napi_ok) {
    return nullptr;
  }
  Wrapped<T>::Add(value.get());
  if (self != nullptr) {
    value.get()->*self = WeakReference(env, reference);
  }
  return value.release();
}

// The same with an object made for that. Null, with an exception pending, on
// failure.
template <typename T>
napi_value NewWrapped(napi_env env, std::unique_ptr<T> value) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok ||
      WrapObject(env, object, std::move(value)) == nullptr) {
    ThrowError(env, "An object could not be created");
    return nullptr;
  }
  return object;
}

// What WrapObject() has an object or function own. Null, without an exception,
// if `value` owns no T, whatever else it is.
template <typename T>
T* UnwrapObject(napi_env env, napi_value value) {
  // napi_unwrap() makes objects of other values, which throws for some.
  napi_valuetype type;
  void* data = nullptr;
  return value != nullptr && napi_typeof(env, value, &type) == napi_ok &&
                 (type == napi_object || type == napi_function) &&
                 napi_unwrap(env, value, &data) == napi_ok &&
                 Wrapped<T>::Has(data)
             ? static_cast<T*>(data)
             : nullptr;
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_WRAPPED_OBJECT_H_
