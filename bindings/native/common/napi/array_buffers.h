// ArrayBuffers of Node's with bytes from elsewhere.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_ARRAY_BUFFERS_H_
#define BINDINGS_NATIVE_COMMON_NAPI_ARRAY_BUFFERS_H_

#include <node_api.h>

#include <cstddef>
#include <memory>

namespace rawmem {

// Null on failure.
napi_value CopyToBuffer(napi_env env, const void* data, size_t length);

// Over the bytes themselves, on arm64 from a multiple of 8 on. Keeps `owner`
// until Node has freed the ArrayBuffer. Null, with an exception pending, on
// failure.
napi_value NewExternalBuffer(napi_env env,
                             void* data,
                             size_t length,
                             std::shared_ptr<void> owner);

// Detaches an ArrayBuffer that the addon made, also one that JavaScript marked
// as untransferable: the mark is about messages, not about what the owner of
// the bytes does. False if it was detached already, or cannot be while this
// thread is being terminated. Throws nothing.
bool DetachOwnBuffer(napi_env env, napi_value buffer);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_ARRAY_BUFFERS_H_
