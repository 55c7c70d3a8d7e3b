#include "array_buffers.h"

#include <cstring>
#include <utility>

namespace rawmem {

napi_value CopyToBuffer(napi_env env, const void* data, size_t length) {
  void* copy = nullptr;
  napi_value buffer;
  if (napi_create_arraybuffer(env, length, &copy, &buffer) != napi_ok) {
    return nullptr;
  }
  if (length > 0) {
    std::memcpy(copy, data, length);
  }
  return buffer;
}

napi_value NewExternalBuffer(napi_env env,
                             void* data,
                             size_t length,
                             std::shared_ptr<void> owner) {
  auto* kept = new std::shared_ptr<void>(std::move(owner));
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, length,
      [](napi_env, void*, void* hint) {
        delete static_cast<std::shared_ptr<void>*>(hint);
      },
      kept, &buffer);
  if (status == napi_ok) {
    return buffer;
  }
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  // Node has called, or will call, the finalizer if it threw on its own.
  if (!pending) {
    delete kept;
    napi_throw_error(env, nullptr,
                     status == napi_no_external_buffers_allowed
                         ? "This runtime allows no external ArrayBuffer"
                         : "The ArrayBuffer could not be created");
  }
  return nullptr;
}

}  // namespace rawmem
