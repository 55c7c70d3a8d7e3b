#include "size_errors.h"

#include <string>

#include "common/napi/exceptions.h"
#include "fixed_sizes.h"

namespace rawmem {

namespace {

void Throw(napi_env env,
           Attached what,
           const std::string& requirement,
           const char* way_out,
           size_t size) {
  const char* subject = what == Attached::kRegion ? "region must have "
                        : what == Attached::kWindow
                            ? "windowSize must be "
                            : "the last window must have ";
  const std::string message =
      subject + requirement + way_out + "; got " + std::to_string(size);
  ThrowRangeError(env, message);
}

}  // namespace

void ThrowTooSmall(napi_env env,
                   Attached what,
                   uint32_t memory_index,
                   size_t minimum,
                   size_t size) {
  Throw(env, what,
        "at least " + std::to_string(minimum) + " bytes (" +
            std::to_string(minimum / kWasmPageSize) +
            " pages), the minimum that the module declares for memory " +
            std::to_string(memory_index),
        what == Attached::kLastWindow
            ? "; declare that memory with a minimum of 0 pages"
            : "",
        size);
}

void ThrowTooLarge(napi_env env,
                   Attached what,
                   uint32_t memory_index,
                   size_t size) {
  Throw(env, what,
        "no more bytes than addresses of memory " +
            std::to_string(memory_index) +
            " reach (4294967296 for a memory of 32 bits)",
        what == Attached::kRegion ? "; use region.subarray(begin, end)" : "",
        size);
}

}  // namespace rawmem
