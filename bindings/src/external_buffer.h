// ArrayBuffers of Node's over bytes that it did not allocate.

#ifndef BINDINGS_SRC_EXTERNAL_BUFFER_H_
#define BINDINGS_SRC_EXTERNAL_BUFFER_H_

#include <node_api.h>

#include <cstddef>
#include <memory>

namespace rawmem {

// Keeps `owner` until Node has freed the ArrayBuffer. Null, with an exception
// pending, on failure.
napi_value NewExternalBuffer(napi_env env,
                             void* data,
                             size_t length,
                             std::shared_ptr<void> owner);

}  // namespace rawmem

#endif  // BINDINGS_SRC_EXTERNAL_BUFFER_H_
