// The flag --wasm-trap-handler is off by default: bounds are checked explicitly
// although this program has installed V8's trap handler.

#include <fstream>
#include <string>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "v8-initialization.h"
#include "windows.h"

namespace {

uint64_t AddressSpaceInUse() {
  std::ifstream status("/proc/self/statm");
  uint64_t pages = 0;
  status >> pages;
  return pages * 4096;
}

}  // namespace

// Behind the region lie accessible bytes: code that relied on a fault would
// read and write them.
TEST(BoundsAreCheckedExplicitly) {
  Engine engine;
  CHECK_EQ(engine.Evaluate("%IsWasmTrapHandlerEnabled()"), int64_t{1});
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  std::vector<uint8_t> bytes(3 * kPage, 42);
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(instance, 0, bytes.data() + kPage, kPage),
      v8::WasmRawMemoryResult::kOk);
  CHECK_EQ(engine.Call(instance, "load", int{kPage - 1}), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", int{kPage}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load", -1), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "store", int{kPage}, 1), kOutOfBounds);
  CHECK_EQ(int{bytes[2 * kPage]}, 42);
}

// The instance's own memory is checked the same way.
TEST(OwnMemoryTraps) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  CHECK_EQ(engine.Call(instance, "load", int{kPage - 1}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", int{kPage}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage - 1}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage}), kOutOfBounds);
}

// Memories reserve what they may grow to, not what a trap handler needs.
TEST(NoGuardRegionsAreReserved) {
  Engine engine;
  const uint64_t before = AddressSpaceInUse();
  CHECK_EQ(
      engine.Evaluate("memories = Array.from({length: 64}, () =>"
                      "  new WebAssembly.Memory({initial: 1, maximum: 1})); 0"),
      int64_t{0});
  CHECK(AddressSpaceInUse() - before < uint64_t{1} << 30);
  // And V8 says so when asked.
  CHECK_EQ(v8::V8::GetWasmMemoryReservationSizeInBytes(
               v8::V8::WasmMemoryType::kMemory32, kPage),
           size_t{kPage});
  CHECK_EQ(v8::V8::GetWasmMemoryReservationSizeInBytes(
               v8::V8::WasmMemoryType::kMemory64, kPage),
           size_t{kPage});
}
