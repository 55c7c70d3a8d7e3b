// A reference to a JavaScript value.
//
// Not that of node-addon-api, which ends the process where JavaScript
// may no longer run: in a worker that is being terminated, every call of
// Node-API may fail at any time, and throwing fails as well. Here a reference
// that could not be made is empty, and so is its value.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_REFERENCE_H_
#define BINDINGS_NATIVE_COMMON_NAPI_REFERENCE_H_

#include <node_api.h>

#include <utility>

namespace rawmem {

// Move-only. Lives on the thread of `env`.
class Reference {
 public:
  Reference() = default;
  static Reference Weak(napi_env env, napi_value value) {
    return Reference(env, value, 0);
  }
  static Reference Strong(napi_env env, napi_value value) {
    return Reference(env, value, 1);
  }
  Reference(Reference&& other) noexcept
      : env_(other.env_),
        reference_(std::exchange(other.reference_, nullptr)) {}
  Reference& operator=(Reference&& other) noexcept {
    if (this != &other) {
      Reset();
      env_ = other.env_;
      reference_ = std::exchange(other.reference_, nullptr);
    }
    return *this;
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  ~Reference() { Reset(); }

  void Reset() {
    if (reference_ != nullptr) {
      napi_delete_reference(env_, std::exchange(reference_, nullptr));
    }
  }

  bool is_empty() const { return reference_ == nullptr; }
  // Null if there is none.
  operator napi_ref() const { return reference_; }

  // In the handle scope that is open. Null, without an exception, if this is
  // empty or the value was collected.
  napi_value Value() const {
    napi_value value = nullptr;
    return reference_ != nullptr &&
                   napi_get_reference_value(env_, reference_, &value) == napi_ok
               ? value
               : nullptr;
  }

 private:
  Reference(napi_env env, napi_value value, uint32_t count) : env_(env) {
    if (napi_create_reference(env, value, count, &reference_) != napi_ok) {
      reference_ = nullptr;
    }
  }

  napi_env env_ = nullptr;
  napi_ref reference_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_REFERENCE_H_
