// Memory of the embedder is as large as addresses reach, whatever maximum the
// module declares and V8 would allocate.

#include <cstdint>
#include <memory>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "windows.h"

using Access = SparseRegion::Access;
using Result = v8::WasmRawMemoryResult;

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;

}  // namespace

TEST(SixtyFourGibibytes) {
  Engine engine;
  SparseRegion region(64 * kGiB, Access::kAll);
  CHECK(region.start() != nullptr);
  if (region.start() == nullptr)
    return;
  const uint64_t size = region.size();
  v8::Local<v8::Object> instance = engine.Instantiate("limits64");
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), size),
           Result::kOk);
  region.start()[0] = 1;
  region.start()[size / 2] = 2;
  region.start()[size - 1] = 3;
  CHECK_EQ(engine.Call(instance, "load", uint64_t{0}), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", size / 2), int64_t{2});
  CHECK_EQ(engine.Call(instance, "load", size - 1), int64_t{3});
  CHECK_EQ(engine.Call(instance, "load", size), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load", ~uint64_t{0}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load64", size - 8), int64_t{3} << 56);
  CHECK_EQ(engine.Call(instance, "load64", size - 7), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1} << 20);
  CHECK_EQ(engine.Call(instance, "grow", uint64_t{1}), int64_t{-1});

  // Bulk operations across the 4 and 16 GiB lines, and with large distances.
  CHECK_EQ(engine.Call(instance, "fill", 16 * kGiB - 8, 5, uint64_t{16}),
           kNothing);
  CHECK_EQ(int{region.start()[16 * kGiB + 7]}, 5);
  CHECK_EQ(int{region.start()[16 * kGiB + 8]}, 0);
  CHECK_EQ(
      engine.Call(instance, "copy", size - 16, 16 * kGiB - 8, uint64_t{16}),
      kNothing);
  CHECK_EQ(int{region.start()[size - 1]}, 5);
  CHECK_EQ(engine.Call(instance, "copy", size - 15, uint64_t{0}, uint64_t{16}),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "fill", size - 15, 1, uint64_t{16}),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "fill", uint64_t{1}, 1, size), kOutOfBounds);

  // The module's own memory has its limits back.
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", uint64_t{kPage}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "grow", uint64_t{1}), int64_t{-1});
}

TEST(OneTebibyteOfReservation) {
  Engine engine;
  SparseRegion region(kTiB, Access::kNothing);
  CHECK(region.start() != nullptr);
  if (region.start() == nullptr)
    return;
  region.Open(0);
  region.Open(kTiB - 1);
  region.start()[0] = 1;
  region.start()[kTiB - 1] = 2;
  v8::Local<v8::Object> instance = engine.Instantiate("limits64");
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), kTiB),
           Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", uint64_t{0}), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", kTiB - 1), int64_t{2});
  CHECK_EQ(engine.Call(instance, "store", kTiB - 2, 3), kNothing);
  CHECK_EQ(int{region.start()[kTiB - 2]}, 3);
  CHECK_EQ(engine.Call(instance, "load", kTiB), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load64", kTiB - 7), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1} << 24);
}

// A constant offset beyond the declared maximum is checked against the bytes
// that are there, not against the declaration.
TEST(ConstantOffsetsBeyondTheDeclaredMaximum) {
  Engine engine;
  SparseRegion region(64 * kGiB, Access::kAll);
  CHECK(region.start() != nullptr);
  if (region.start() == nullptr)
    return;
  v8::Local<v8::Object> instance = engine.Instantiate("limits64");
  auto check_traps = [&] {
    CHECK_EQ(engine.Call(instance, "load_offset_32gib", uint64_t{0}),
             kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load_const_32gib"), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load64_offset_256tib", uint64_t{0}),
             kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load_offset_64bit", uint64_t{0}),
             kOutOfBounds);
    // Offset and address wrap around to what would be inside.
    CHECK_EQ(engine.Call(instance, "load_offset_64bit", uint64_t{16}),
             kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load_offset_32gib",
                         ~uint64_t{0} - 32 * kGiB + 1),
             kOutOfBounds);
  };
  check_traps();
  region.start()[32 * kGiB] = 42;
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 32 * kGiB + 1),
      Result::kOk);
  CHECK_EQ(engine.Call(instance, "load_offset_32gib", uint64_t{0}),
           int64_t{42});
  CHECK_EQ(engine.Call(instance, "load_const_32gib"), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load_offset_32gib", uint64_t{1}),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load_offset_64bit", uint64_t{16}),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load64_offset_256tib", uint64_t{0}),
           kOutOfBounds);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 32 * kGiB),
           Result::kOk);
  check_traps();
}

TEST(FourGibibytesOfMemory32) {
  Engine engine;
  SparseRegion region(4 * kGiB, Access::kAll);
  CHECK(region.start() != nullptr);
  if (region.start() == nullptr)
    return;
  v8::Local<v8::Object> instance = engine.Instantiate("limits32");
  CHECK_EQ(engine.Call(instance, "load_offset_2gib", 0), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load_const_last"), kOutOfBounds);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 4 * kGiB),
           Result::kOk);
  const uint32_t last = 0xffffffff;
  region.start()[0] = 1;
  region.start()[kGiB * 2] = 2;
  region.start()[last] = 3;
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", uint32_t{1} << 31), int64_t{2});
  CHECK_EQ(engine.Call(instance, "load", last), int64_t{3});
  CHECK_EQ(engine.Call(instance, "load_offset_2gib", 0), int64_t{2});
  CHECK_EQ(engine.Call(instance, "load_const_last"), int64_t{3});
  CHECK_EQ(engine.Call(instance, "load_offset_last", 0), int64_t{3});
  CHECK_EQ(engine.Call(instance, "load_offset_last", 1), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load_offset_2gib", uint32_t{1} << 31),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load64", last - 7), int64_t{3} << 56);
  CHECK_EQ(engine.Call(instance, "load64", last - 6), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{65536});
  CHECK_EQ(engine.Call(instance, "store", last - 1, 4), kNothing);
  CHECK_EQ(int{region.start()[last - 1]}, 4);
  CHECK_EQ(engine.Call(instance, "fill", last - 15, 5, 16), kNothing);
  CHECK_EQ(int{region.start()[last]}, 5);
  CHECK_EQ(engine.Call(instance, "fill", last - 14, 5, 16), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "copy", 8, last - 15, 16), kNothing);
  CHECK_EQ(int{region.start()[8]}, 5);
  CHECK_EQ(engine.Call(instance, "copy", 8, last - 14, 16), kOutOfBounds);

  // One byte less.
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 4 * kGiB - 1),
      Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", last), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load_const_last"), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load_offset_last", 0), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load", last - 1), int64_t{5});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{65535});
}

// The same through a WebAssembly.Memory.
TEST(AsABackingStore) {
  Engine engine;
  SparseRegion region(64 * kGiB, Access::kAll);
  CHECK(region.start() != nullptr);
  if (region.start() == nullptr)
    return;
  v8::Local<v8::Object> instance = engine.Instantiate("limits64");
  engine.SetGlobal("instance", instance);
  v8::Local<v8::WasmMemoryObject> memory =
      engine.Get(engine.Get(instance, "exports").As<v8::Object>(), "memory")
          .As<v8::WasmMemoryObject>();
  std::shared_ptr<v8::BackingStore> own = memory->Buffer()->GetBackingStore();
  CHECK_EQ(memory->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
               region.start(), region.size(), v8::BackingStore::EmptyDeleter,
               nullptr)),
           Result::kOk);
  region.start()[64 * kGiB - 1] = 42;
  CHECK_EQ(engine.Call(instance, "load", 64 * kGiB - 1), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", 64 * kGiB), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1} << 20);
  CHECK_EQ(engine.Evaluate("instance.exports.memory.buffer.byteLength"),
           int64_t{64 * kGiB});
  CHECK_EQ(engine.Evaluate("new DataView(instance.exports.memory.buffer)"
                           ".getUint8(64 * 2 ** 30 - 1)"),
           int64_t{42});
  CHECK_EQ(memory->SetBackingStore(own), Result::kOk);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", uint64_t{kPage}), kOutOfBounds);
}
