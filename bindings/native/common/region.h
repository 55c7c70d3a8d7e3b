// Regions, as JavaScript has them: an object, the handle, that stands for host
// memory.
//
// No V8 header is needed here; everything is plain Node-API.

#ifndef BINDINGS_NATIVE_COMMON_REGION_H_
#define BINDINGS_NATIVE_COMMON_REGION_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/napi/arguments.h"
#include "host_memory.h"

namespace rawmem {

// A part of host memory, as resolved from a handle for the current call.
struct RegionView {
  uint8_t* data = nullptr;
  size_t length = 0;
  std::shared_ptr<HostMemory> memory;
};

// Resolves bytes [offset, offset + length) of the memory behind `handle`, the
// object that bindings/region.ts keeps per root region. False, with a
// JavaScript exception pending, if the handle is none of ours, the region is
// closed, its ArrayBuffer was detached, or the range does not lie inside.
bool GetRegion(napi_env env,
               napi_value handle,
               size_t offset,
               size_t length,
               RegionView* view);
// With handle, offset and length as three arguments, from `first` on.
bool GetRegion(const Arguments& arguments, size_t first, RegionView* view);

// Whether the ArrayBuffer behind a borrowed region has been detached since
// (ArrayBuffer.prototype.transfer). The bytes must not be touched any more.
// Never throws; true as well for a handle that is none of ours.
bool IsRegionDetached(napi_env env, napi_value handle);

// The ArrayBuffer or SharedArrayBuffer that the region of `handle` borrows its
// bytes from. Null, without an exception, if it borrows none.
napi_value GetRegionSource(napi_env env, napi_value handle);

// Defines `exports.region`, the functions that bindings/region.ts calls.
// False, with an exception pending, on failure.
bool InitRegion(napi_env env, napi_value exports);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_REGION_H_
