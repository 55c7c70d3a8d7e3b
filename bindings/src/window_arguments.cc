#include "window_arguments.h"

namespace rawmem {

namespace {

// Bits of `flags`, see bindings/chunk-feeder.ts.
constexpr uint32_t kIs64Bit = 1;
constexpr uint32_t kPrefetch = 2;
constexpr uint32_t kRelease = 4;
constexpr uint32_t kWritable = 8;
constexpr uint32_t kReportProgress = 16;

// Of a control block.
constexpr size_t kControlLength = 32;

// A size that TypeScript has checked.
size_t Size(napi_env env, napi_value value) {
  int64_t size = 0;
  napi_get_value_int64(env, value, &size);
  return static_cast<size_t>(size);
}

napi_value Number(napi_env env, double number) {
  napi_value result = nullptr;
  napi_create_double(env, number, &result);
  return result;
}

}  // namespace

bool ReadFeederOptions(napi_env env,
                       const napi_value* argv,
                       FeederOptions* options,
                       RegionView* view) {
  if (!GetRegion(env, argv[0], argv[1], argv[2], view)) {
    return false;
  }
  WindowCursor::Options& cursor = options->cursor;
  uint32_t flags = 0;
  options->byte_offset = Size(env, argv[1]);
  cursor.byte_length = view->length;
  cursor.window_size = Size(env, argv[3]);
  napi_get_value_uint32(env, argv[4], &options->memory_index);
  napi_get_value_uint32(env, argv[5], &flags);
  options->is_64_bit = (flags & kIs64Bit) != 0;
  cursor.report_progress = (flags & kReportProgress) != 0;
  // Pages without a file behind them would come back as zeros, and those of a
  // copy-on-write map without what was stored into them.
  using Backing = HostMemory::Backing;
  const Backing backing = view->memory->backing();
  const bool is_shared = backing == Backing::kSharedFile;
  const bool is_file = is_shared || backing == Backing::kPrivateFile;
  cursor.prefetch = is_file && (flags & kPrefetch) != 0;
  cursor.release = is_file && (flags & kRelease) != 0 &&
                   (is_shared || (flags & kWritable) == 0);
  napi_typedarray_type type;
  size_t length = 0;
  void* control = nullptr;
  if (napi_get_typedarray_info(env, argv[6], &type, &length, &control, nullptr,
                               nullptr) == napi_ok &&
      type == napi_uint8_array && length >= kControlLength) {
    cursor.control = static_cast<uint8_t*>(control);
  }
  return true;
}

Consumed ReadConsumed(napi_env env, napi_value value, bool is_64_bit) {
  double number;
  int64_t integer;
  bool lossless;
  napi_valuetype type;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    return Consumed::FromNumber(number, is_64_bit);
  }
  if (napi_get_value_bigint_int64(env, value, &integer, &lossless) == napi_ok) {
    return lossless ? Consumed::FromInteger(integer)
                    : Consumed{Consumed::Kind::kNoSize};
  }
  return {napi_typeof(env, value, &type) == napi_ok && type == napi_undefined
              ? Consumed::Kind::kAll
              : Consumed::Kind::kNoNumber};
}

napi_value WindowLength(napi_env env, uint64_t length, bool is_64_bit) {
  if (!is_64_bit) {
    return Number(env, static_cast<double>(length));
  }
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, length, &result);
  return result;
}

void ThrowRefusal(napi_env env, const WindowCursor::Refusal& refusal) {
  const char* message = refusal.message.c_str();
  if (refusal.is_type_error) {
    napi_throw_type_error(env, nullptr, message);
  } else {
    napi_throw_range_error(env, nullptr, message);
  }
}

bool CallNotify(napi_env env,
                napi_value notify,
                Notice notice,
                const WindowCursor& cursor) {
  napi_value argv[] = {Number(env, static_cast<int>(notice)),
                       Number(env, static_cast<double>(cursor.position())),
                       Number(env, static_cast<double>(cursor.windows()))};
  napi_value undefined, result;
  return notify != nullptr && napi_get_undefined(env, &undefined) == napi_ok &&
         napi_call_function(env, undefined, notify, 3, argv, &result) ==
             napi_ok;
}

}  // namespace rawmem
