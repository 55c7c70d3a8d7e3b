// The scope of the values that C++ gets from Node-API.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_HANDLE_SCOPE_H_
#define BINDINGS_NATIVE_COMMON_NAPI_HANDLE_SCOPE_H_

#include <node_api.h>

namespace rawmem {

// Functions that JavaScript calls have a scope already. Everything else opens
// one of its own, as do loops over many values.
class HandleScope final {
 public:
  explicit HandleScope(napi_env env)
      : env_(env), is_open_(napi_open_handle_scope(env, &scope_) == napi_ok) {}
  ~HandleScope() {
    if (is_open_) {
      napi_close_handle_scope(env_, scope_);
    }
  }
  HandleScope(const HandleScope&) = delete;
  HandleScope& operator=(const HandleScope&) = delete;

  // If not, no value may be asked for.
  bool is_open() const { return is_open_; }

 private:
  napi_env const env_;
  napi_handle_scope scope_ = nullptr;
  const bool is_open_;
};

// For short uses that follow one another, some of which share a scope: opening
// one takes an allocation. The values of a use are gone at the next one. Uses
// may be nested.
class RecurringScope final {
 public:
  explicit RecurringScope(napi_env env) : env_(env) {}
  ~RecurringScope() { Close(); }
  RecurringScope(const RecurringScope&) = delete;
  RecurringScope& operator=(const RecurringScope&) = delete;

  // If false, no value may be asked for, and Leave() must not follow.
  bool Enter() {
    if (depth_ == 0 && uses_ == kUsesOfAScope) {
      Close();
    }
    if (scope_ == nullptr && napi_open_handle_scope(env_, &scope_) != napi_ok) {
      scope_ = nullptr;
      return false;
    }
    ++uses_;
    ++depth_;
    return true;
  }
  void Leave() { --depth_; }

 private:
  // Enough that the scope costs a use little, and few, since what the values
  // refer to cannot be collected until then.
  static constexpr int kUsesOfAScope = 32;

  void Close() {
    if (scope_ != nullptr) {
      napi_close_handle_scope(env_, scope_);
      scope_ = nullptr;
      uses_ = 0;
    }
  }

  napi_env const env_;
  napi_handle_scope scope_ = nullptr;
  int uses_ = 0;
  int depth_ = 0;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_HANDLE_SCOPE_H_
