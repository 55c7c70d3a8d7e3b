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

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_HANDLE_SCOPE_H_
