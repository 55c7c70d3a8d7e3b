// One bounds check for several accesses of one index: results, traps, and what
// was done before a trap are those of a check for each access, at every
// distance from the end of a region.

#include <cstring>
#include <string>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

namespace {

// Often enough for code to become hot with --wasm-tiering-budget=1.
constexpr int kRuns = 8;
constexpr int kSize = 100;

// merged-checks.wat over a region whose last byte is the last that can be read.
class Merged {
 public:
  Merged() : region(kSize, GuardedRegion::Flush::kEnd, 1) {
    v8::Local<v8::Object> env = engine.NewObject();
    engine.Set(env, "called",
               engine.NewFunction([this](const auto&) { ++calls; }));
    instance = engine.Instantiate("merged-checks", env);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), kSize),
             v8::WasmRawMemoryResult::kOk);
  }
  ~Merged() { CHECK(region.IsUntouchedOutside()); }

  template <typename T>
  T At(int offset) const {
    T value;
    std::memcpy(&value, region.start() + offset, sizeof(T));
    return value;
  }

  // Bytes that all differ, and no sign bit in a sum.
  void Seed() {
    for (int i = 0; i < kSize; ++i)
      region.start()[i] = static_cast<uint8_t>(i % 8 == 7 ? 1 : i + 1);
  }

  template <typename Expected, typename... Arguments>
  void Expect(const Expected& expected,
              const char* name,
              Arguments... arguments) {
    CHECK_EQ(engine.Call(instance, name, arguments...), expected);
  }

  Engine engine;
  GuardedRegion region;
  v8::Local<v8::Object> instance;
  int calls = 0;
};

// Calls `check` with every index around the end of the region, often enough to
// reach every tier.
template <typename Check>
void AroundTheEnd(Check check) {
  for (int run = 0; run < kRuns; ++run) {
    for (int at = kSize - 40; at <= kSize + 8; ++at)
      check(at);
    check(0);
  }
}

}  // namespace

TEST(TheFurthestLoadDecides) {
  Merged test;
  test.Seed();
  AroundTheEnd([&](int at) {
    if (at + 32 > kSize)
      return test.Expect(kOutOfBounds, "loads", at);
    test.Expect(static_cast<int64_t>(
                    test.At<uint64_t>(at) + test.At<uint64_t>(at + 8) +
                    test.At<uint64_t>(at + 16) + test.At<uint64_t>(at + 24)),
                "loads", at);
  });
}

TEST(AccessesOfSeveralSizesThatEndTogether) {
  Merged test;
  test.Seed();
  AroundTheEnd([&](int at) {
    if (at + 16 > kSize)
      return test.Expect(kOutOfBounds, "ends", at);
    test.Expect(int64_t{test.At<int32_t>(at + 12) + test.At<uint8_t>(at + 15) +
                        test.At<uint16_t>(at + 13)},
                "ends", at);
  });
}

TEST(StoresBeforeATrapStay) {
  Merged test;
  constexpr int64_t kValue = 0x1122334455667788;
  AroundTheEnd([&](int at) {
    test.region.Fill(0);
    const bool traps = at + 24 > kSize;
    test.Expect(traps ? Outcome{{}, std::string(kOutOfBounds)} : kNothing,
                "stores", at, kValue);
    int end = at;
    for (; end + 8 <= kSize && end < at + 24; end += 8)
      CHECK_EQ(test.At<int64_t>(end), kValue);
    CHECK(test.region.Contains(0, at, end));
  });
}

TEST(AStoreBetweenLoadsIsDoneBeforeTheSecondTraps) {
  Merged test;
  AroundTheEnd([&](int at) {
    test.region.Fill(0);
    const bool stores = at + 8 <= kSize;
    if (at + 12 > kSize) {
      test.Expect(kOutOfBounds, "load_store", at, 7);
    } else {
      test.Expect(int64_t{0}, "load_store", at, 7);
    }
    if (stores)
      CHECK_EQ(test.At<int32_t>(at + 4), 7);
    CHECK(test.region.Contains(0, stores ? at + 4 : 0, stores ? at + 8 : 0));
  });
}

TEST(AGlobalIsSetBeforeTheSecondLoadTraps) {
  Merged test;
  test.region.Fill(0);
  int count = 0;
  AroundTheEnd([&](int at) {
    if (at + 8 > kSize) {
      test.Expect(kOutOfBounds, "load_set_load", at);
    } else {
      test.Expect(int64_t{0}, "load_set_load", at);
    }
    count += at + 4 <= kSize;
    v8::Local<v8::Object> exports =
        test.engine.Get(test.instance, "exports").As<v8::Object>();
    test.engine.SetGlobal("count", test.engine.Get(exports, "count"));
    CHECK_EQ(test.engine.Evaluate("count.value"), int64_t{count});
  });
}

TEST(ACallIsMadeBeforeTheSecondLoadTraps) {
  Merged test;
  test.region.Fill(0);
  int calls = 0;
  AroundTheEnd([&](int at) {
    if (at + 8 > kSize) {
      test.Expect(kOutOfBounds, "load_call_load", at);
    } else {
      test.Expect(int64_t{0}, "load_call_load", at);
    }
    calls += at + 4 <= kSize;
    CHECK_EQ(test.calls, calls);
  });
}

TEST(TheFirstOfTwoTrapsIsReported) {
  Merged test;
  test.region.Fill(0);
  AroundTheEnd([&](int at) {
    if (at + 4 > kSize) {
      test.Expect(kOutOfBounds, "load_divide_load", at, 0);
    } else {
      test.Expect("RuntimeError: divide by zero", "load_divide_load", at, 0);
    }
  });
}

TEST(UnrolledLoops) {
  Merged test;
  test.Seed();
  AroundTheEnd([&](int at) {
    for (int count = 1; count <= 12; ++count) {
      if (at + 4 * count > kSize) {
        test.Expect(kOutOfBounds, "sum", at, count);
        continue;
      }
      uint32_t sum = 0;
      for (int i = 0; i < count; ++i)
        sum += test.At<uint32_t>(at + 4 * i);
      test.Expect(int64_t{static_cast<int32_t>(sum)}, "sum", at, count);
    }
  });
}

TEST(OffsetsDoNotWrap) {
  Merged test;
  AroundTheEnd([&](int at) { test.Expect(kOutOfBounds, "wraps", at); });
  for (int at : {-1, -4, -8, -16})
    test.Expect(kOutOfBounds, "wraps", at);
}
