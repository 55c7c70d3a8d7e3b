// What a feeder's next() takes and gives, as values of Node's.
//
// No V8 header is needed here; everything is plain Node-API.

#ifndef BINDINGS_SRC_WINDOW_ARGUMENTS_H_
#define BINDINGS_SRC_WINDOW_ARGUMENTS_H_

#include <node_api.h>

#include <cstdint>

#include "region.h"
#include "window_cursor.h"

namespace rawmem {

// The options that bindings/chunk-feeder.ts passes on, once checked.
struct FeederOptions {
  WindowCursor::Options cursor;
  size_t byte_offset = 0;
  uint32_t memory_index = 0;
  bool is_64_bit = false;
};

// What `notify` is told, see bindings/chunk-feeder.ts.
enum class Notice { kProgress = 0, kAborted = 1, kStopped = 2 };

// From the arguments handle, byteOffset, byteLength, windowSize, memoryIndex,
// flags, control. False, with an exception pending, if the region cannot be
// used.
bool ReadFeederOptions(napi_env env,
                       const napi_value* argv,
                       FeederOptions* options,
                       RegionView* view);

// The argument of next(). Never fails: Consumed tells what it is.
Consumed ReadConsumed(napi_env env, napi_value value, bool is_64_bit);

// Its result: a number, or a bigint.
napi_value WindowLength(napi_env env, uint64_t length, bool is_64_bit);

// Makes the exception pending.
void ThrowRefusal(napi_env env, const WindowCursor::Refusal& refusal);

// Calls notify(notice, position, windows). False, with whatever it threw
// pending, if it did not return.
bool CallNotify(napi_env env,
                napi_value notify,
                Notice notice,
                const WindowCursor& cursor);

}  // namespace rawmem

#endif  // BINDINGS_SRC_WINDOW_ARGUMENTS_H_
