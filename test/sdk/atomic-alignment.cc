// The alignment of atomic accesses is that of the address within the memory, in
// every tier, wherever the embedder's bytes begin. On arm64, these have to
// begin at a multiple of the access's size as well.

#include <cstring>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

TEST(OfTheBeginningOfTheMemory) {
  if (kAtomicsMayBeginAnywhere)
    return;
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("accesses32-0");
  for (size_t gap = 1; gap < 8; ++gap) {
    GuardedRegion region(64, GuardedRegion::Flush::kStart, gap);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 64),
             v8::WasmRawMemoryResult::kOk);
    region.start()[8] = 9;
    CHECK_EQ(engine.Call(instance, "i32.atomic.load8_u 1 0", 8), int64_t{9});
    for (const char* name : {"i64.atomic.load 8 0", "i64.atomic.store 8 24",
                             "i64.atomic.rmw.add 8 0"}) {
      CHECK_EQ(engine.Call(instance, name, 8), kUnaligned);
    }
    if (gap % 4 == 0) {
      CHECK_EQ(engine.Call(instance, "i32.atomic.load 4 0", 8), int64_t{9});
    } else {
      CHECK_EQ(engine.Call(instance, "i32.atomic.load 4 0", 8), kUnaligned);
    }
    CHECK(region.IsUntouchedOutside());
  }
}

TEST(OfTheAddressWithinTheMemory) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("accesses32-0");
  for (size_t gap = 0; gap < (kAtomicsMayBeginAnywhere ? 8 : 1); ++gap) {
    GuardedRegion region(64, GuardedRegion::Flush::kStart, gap);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 64),
             v8::WasmRawMemoryResult::kOk);
    const int64_t value = 0x0102030405060708;
    std::memcpy(region.start() + 8, &value, sizeof(value));
    CHECK_EQ(engine.Call(instance, "i64.atomic.load 8 0", 8), value);
    CHECK_EQ(engine.Call(instance, "i32.atomic.load 4 0", 12),
             int64_t{0x01020304});
    CHECK_EQ(engine.Call(instance, "i32.atomic.load16_u 2 0", 10),
             int64_t{0x0506});
    CHECK_EQ(engine.Call(instance, "i32.atomic.load8_u 1 0", 11),
             int64_t{0x05});
    for (int address : {1, 2, 3, 4, 5, 6, 7}) {
      CHECK_EQ(engine.Call(instance, "i64.atomic.load 8 0", address),
               kUnaligned);
      CHECK_EQ(engine.Call(instance, "i64.atomic.store 8 24", address),
               kUnaligned);
      CHECK_EQ(engine.Call(instance, "i64.atomic.rmw.add 8 0", address),
               kUnaligned);
    }
    // The operand is 0x5a5a5a5a5a5a5a5a.
    CHECK_EQ(engine.Call(instance, "i64.atomic.rmw.add 8 0", 8), value);
    const int64_t sum = value + 0x5a5a5a5a5a5a5a5a;
    CHECK_EQ(engine.Call(instance, "i64.atomic.load 8 0", 8), sum);
    CHECK_EQ(engine.Call(instance, "i64.atomic.rmw.xchg 8 0", 8), sum);
    CHECK_EQ(engine.Call(instance, "i64.atomic.rmw.cmpxchg 8 0", 8),
             int64_t{0x5a5a5a5a5a5a5a5a});
    CHECK(region.IsUntouchedOutside());
  }
}

// Which of two faults an access has that is both misaligned and out of bounds.
// V8 looks at the alignment first, unless the constant offset alone is beyond
// what the module declares.
TEST(BeforeBoundsWithinTheDeclaredMaximum) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("atomic-limits");
  CHECK_EQ(engine.Call(instance, "load 65532", 0), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load 65532", 1), kUnaligned);
  CHECK_EQ(engine.Call(instance, "load 65532", -3), kUnaligned);
  CHECK_EQ(engine.Call(instance, "load 65532", 4), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "constant 0 65537"), kUnaligned);
  CHECK_EQ(engine.Call(instance, "wide 65532", int64_t{1}), kUnaligned);
  CHECK_EQ(engine.Call(instance, "wide 65532", int64_t{4}), kOutOfBounds);
  for (int index : {0, 1, 3, -1}) {
    for (const char* name :
         {"load 65533", "load 65536", "load 65537", "store 65537", "add 65537",
          "cmpxchg 65537", "notify 65537"}) {
      CHECK_EQ(engine.Call(instance, name, index), kOutOfBounds);
    }
    CHECK_EQ(engine.Call(instance, "wide 65537", int64_t{index}), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "wide store 65537", int64_t{index}),
             kOutOfBounds);
  }
  CHECK_EQ(engine.Call(instance, "constant 65537 1"), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "constant 65537 3"), kOutOfBounds);
}

// Memory of the embedder may be larger than that. Then there is something to
// say about the alignment.
TEST(AfterBoundsBeyondTheDeclaredMaximum) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("atomic-limits");
  GuardedRegion region(65536 + 16);
  for (uint32_t index : {0u, 1u}) {
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, index, region.start(),
                                          region.size()),
             v8::WasmRawMemoryResult::kOk);
  }
  region.start()[65540] = 42;
  CHECK_EQ(engine.Call(instance, "load 65537", 3), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load 65537", 0), kUnaligned);
  CHECK_EQ(engine.Call(instance, "load 65537", 11), int64_t{0});
  // Both.
  CHECK_EQ(engine.Call(instance, "load 65537", 12), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load 65537", 15), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load 65537", -1), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "notify 65537", 1), kUnaligned);
  CHECK_EQ(engine.Call(instance, "notify 65537", 12), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "add 65537", 3), int64_t{42});
  CHECK_EQ(engine.Call(instance, "add 65537", 2), kUnaligned);
  CHECK_EQ(engine.Call(instance, "cmpxchg 65537", 7), int64_t{0});
  CHECK_EQ(engine.Call(instance, "cmpxchg 65537", 3), kUnaligned);
  CHECK_EQ(engine.Call(instance, "constant 65537 1"), kUnaligned);
  CHECK_EQ(engine.Call(instance, "constant 65537 3"), int64_t{43});
  CHECK_EQ(engine.Call(instance, "wide 65537", int64_t{3}), int64_t{43});
  CHECK_EQ(engine.Call(instance, "wide 65537", int64_t{4}), kUnaligned);
  CHECK_EQ(engine.Call(instance, "wide 65537", int64_t{12}), kOutOfBounds);
  CHECK(region.IsUntouchedOutside());
}
