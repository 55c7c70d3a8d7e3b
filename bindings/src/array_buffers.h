// ArrayBuffers of Node's with bytes from elsewhere.

#ifndef BINDINGS_SRC_ARRAY_BUFFERS_H_
#define BINDINGS_SRC_ARRAY_BUFFERS_H_

#include <node_api.h>

#include <cstddef>
#include <memory>

namespace rawmem {

// Null on failure.
napi_value CopyToBuffer(napi_env env, const void* data, size_t length);

// Over the bytes themselves. Keeps `owner` until Node has freed the
// ArrayBuffer. Null, with an exception pending, on failure.
napi_value NewExternalBuffer(napi_env env,
                             void* data,
                             size_t length,
                             std::shared_ptr<void> owner);

}  // namespace rawmem

#endif  // BINDINGS_SRC_ARRAY_BUFFERS_H_
