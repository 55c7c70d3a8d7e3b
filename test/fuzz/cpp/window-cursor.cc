// Whatever a program says it used up, the cursor stays inside of the region.

#include "common/window_cursor.h"

#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>

#include <cstdlib>

using rawmem::Consumed;
using rawmem::WindowCursor;

namespace {

constexpr size_t kRegion = size_t{64} << 20;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

uint8_t* Region() {
  static void* const region =
      mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  Require(region != MAP_FAILED);
  return static_cast<uint8_t*>(region);
}

Consumed TakeConsumed(FuzzedDataProvider& data, size_t length) {
  switch (data.ConsumeIntegralInRange(0, 5)) {
    case 0:
      return {};
    case 1:
      return Consumed::FromInteger(data.ConsumeIntegral<int64_t>());
    case 2:
      return Consumed::FromNumber(data.ConsumeFloatingPoint<double>(),
                                  data.ConsumeBool());
    case 3:
      return {Consumed::Kind::kNoNumber};
    default:
      return Consumed::FromInteger(
          static_cast<int64_t>(data.ConsumeIntegralInRange<size_t>(0, length)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  alignas(8) uint8_t control[64] = {};
  const size_t length = data.ConsumeIntegralInRange<size_t>(0, kRegion);
  WindowCursor cursor({
      .byte_length = length,
      .window_size = data.ConsumeIntegralInRange<size_t>(1, kRegion),
      .prefetch = data.ConsumeBool(),
      .release = data.ConsumeBool(),
      .report_progress = data.ConsumeBool(),
      .control = data.ConsumeBool() ? control : nullptr,
  });
  uint8_t* const base =
      Region() + data.ConsumeIntegralInRange<size_t>(0, kRegion - length);
  WindowCursor::Window shown;
  while (data.remaining_bytes() > 0) {
    const Consumed consumed = TakeConsumed(data, shown.length);
    WindowCursor::Window peeked;
    const bool is_usual = cursor.Peek(consumed, &peeked);
    WindowCursor::Refusal refusal;
    switch (cursor.Use(consumed, &refusal)) {
      case WindowCursor::Step::kRefused:
        Require(!is_usual && !refusal.message.empty());
        continue;
      case WindowCursor::Step::kEnd:
        Require(!is_usual);
        cursor.End(base);
        if (data.ConsumeBool()) {
          cursor.Rewind();
          shown = {};
        }
        continue;
      case WindowCursor::Step::kWindow:
        break;
    }
    const size_t end = shown.position + shown.length;
    shown = cursor.Following();
    Require(!is_usual || (shown.position == peeked.position &&
                          shown.length == peeked.length));
    Require(shown.length > 0 && shown.length <= cursor.window_size());
    Require(shown.position <= end && shown.length <= length - shown.position);
    cursor.Enter(shown, base);
    Require(cursor.position() <= length);
    if (data.ConsumeBool()) {
      cursor.Note(shown);
      Require(cursor.position() <= length);
    }
  }
  return 0;
}
