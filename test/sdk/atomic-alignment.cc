// The alignment of atomic accesses is that of the address within the memory, in
// every tier, wherever the embedder's bytes begin.

#include <cstring>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

TEST(OfTheAddressWithinTheMemory) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("accesses32-0");
  for (size_t gap = 0; gap < 8; ++gap) {
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
