// What all engines say of bytes that a memory cannot take, as they are too few
// or too many.

#ifndef BINDINGS_NATIVE_COMMON_SIZE_ERRORS_H_
#define BINDINGS_NATIVE_COMMON_SIZE_ERRORS_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace rawmem {

// What the bytes are to the program: a region that it named, a window of a
// feeder, or a last one that is shorter.
enum class Attached { kRegion, kWindow, kLastWindow };

// `minimum` is what the module declares, in bytes.
void ThrowTooSmall(napi_env env,
                   Attached what,
                   uint32_t memory_index,
                   size_t minimum,
                   size_t size);
void ThrowTooLarge(napi_env env,
                   Attached what,
                   uint32_t memory_index,
                   size_t size);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_SIZE_ERRORS_H_
