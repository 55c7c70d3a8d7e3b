// References to JavaScript values. The type says whether one keeps its value.
//
// Not those of node-addon-api, which end the process where JavaScript may no
// longer run: in a worker that is being terminated, every call of Node-API may
// fail at any time, and throwing fails as well. Here a reference that could not
// be made is empty, and so is its value.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_REFERENCE_H_
#define BINDINGS_NATIVE_COMMON_NAPI_REFERENCE_H_

#include <node_api.h>

#include <utility>

namespace rawmem {

// What both kinds have in common. Move-only. Lives on the thread of `env`.
class Reference {
 public:
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  void Reset() {
    if (reference_ != nullptr) {
      napi_delete_reference(env_, std::exchange(reference_, nullptr));
    }
  }

  bool is_empty() const { return reference_ == nullptr; }

  // In the handle scope that is open. Null, without an exception, if this is
  // empty or the value was collected.
  napi_value Value() const {
    napi_value value = nullptr;
    return reference_ != nullptr &&
                   napi_get_reference_value(env_, reference_, &value) == napi_ok
               ? value
               : nullptr;
  }

 protected:
  Reference() = default;
  Reference(napi_env env, napi_ref reference)
      : env_(env), reference_(reference) {}
  Reference(napi_env env, napi_value value, uint32_t count) : env_(env) {
    if (napi_create_reference(env, value, count, &reference_) != napi_ok) {
      reference_ = nullptr;
    }
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
  ~Reference() { Reset(); }

  napi_env env_ = nullptr;
  napi_ref reference_ = nullptr;
};

// Lets its value be collected.
class WeakReference final : public Reference {
 public:
  WeakReference() = default;
  WeakReference(napi_env env, napi_value value) : Reference(env, value, 0) {}
  // Takes over what Node-API has made, with a count of 0.
  WeakReference(napi_env env, napi_ref reference) : Reference(env, reference) {}
  WeakReference(WeakReference&&) noexcept = default;
  WeakReference& operator=(WeakReference&&) noexcept = default;

  // Whether the value was collected. False as long as Node does not tell.
  bool IsCollected() const {
    napi_value value = nullptr;
    return napi_get_reference_value(env_, reference_, &value) == napi_ok &&
           value == nullptr;
  }
};

// Keeps its value.
class StrongReference final : public Reference {
 public:
  StrongReference() = default;
  StrongReference(napi_env env, napi_value value) : Reference(env, value, 1) {}
  StrongReference(StrongReference&&) noexcept = default;
  StrongReference& operator=(StrongReference&&) noexcept = default;

  // From now on, the value may be collected.
  WeakReference Weaken() && {
    if (reference_ != nullptr) {
      napi_reference_unref(env_, reference_, nullptr);
    }
    return WeakReference(env_, std::exchange(reference_, nullptr));
  }
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_REFERENCE_H_
