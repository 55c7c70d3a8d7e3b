// memory.fill and memory.copy of many megabytes: done in pieces, with
// interrupts served in between, and with the same results.

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

using Result = v8::WasmRawMemoryResult;

namespace {

// As in V8's bulk-memory.cc.
constexpr size_t kPiece = size_t{16} << 20;
constexpr size_t kRegion = 2 * kPiece + 3 * 65536;

// Bytes that differ from those a piece, a page or a word further.
void FillUnevenly(uint8_t* bytes, size_t size) {
  uint64_t state = 0x9e3779b97f4a7c15;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::memcpy(bytes + i, &state, 8);
  }
}

struct Copy {
  size_t to;
  size_t from;
  size_t size;
};

// Around the sizes at which a piece begins, in both directions, with overlaps
// of nearly all to nearly nothing.
std::vector<Copy> Copies() {
  std::vector<Copy> copies;
  for (size_t size : {kPiece, kPiece + 1, 2 * kPiece + 5}) {
    for (size_t distance : {size_t{1}, size_t{4097}, kPiece + 1}) {
      if (size + distance + 3 > kRegion)
        continue;
      copies.push_back({3 + distance, 3, size});
      copies.push_back({3, 3 + distance, size});
    }
  }
  return copies;
}

class Pieces {
 public:
  Pieces() : scope_(engine.isolate()), expected(kRegion) {
    instance = engine.Instantiate("pieces");
  }

  // Checks `copy`, which copies within or between memories that are `bytes`.
  template <typename Call>
  void CheckCopies(uint8_t* bytes, Call call) {
    FillUnevenly(bytes, kRegion);
    std::memcpy(expected.data(), bytes, kRegion);
    for (const Copy& copy : Copies()) {
      CHECK_EQ(call(copy), kNothing);
      std::memmove(expected.data() + copy.to, expected.data() + copy.from,
                   copy.size);
      if (std::memcmp(bytes, expected.data(), kRegion) == 0)
        continue;
      check::Fail(__FILE__, __LINE__,
                  "to " + std::to_string(copy.to) + ", from " +
                      std::to_string(copy.from) + ", size " +
                      std::to_string(copy.size));
      return;
    }
  }

  template <typename Call>
  void CheckFills(uint8_t* bytes, Call call) {
    FillUnevenly(bytes, kRegion);
    std::memcpy(expected.data(), bytes, kRegion);
    uint8_t value = 0;
    for (size_t size : {kPiece, kPiece + 1, 2 * kPiece + 100}) {
      for (size_t to : {size_t{0}, size_t{4095}}) {
        CHECK_EQ(call(to, ++value, size), kNothing);
        std::memset(expected.data() + to, value, size);
        CHECK(std::memcmp(bytes, expected.data(), kRegion) == 0);
      }
    }
    // Beyond the end by one byte: nothing is written.
    CHECK_EQ(call(1, 99, kRegion), kOutOfBounds);
    CHECK_EQ(call(kRegion - kPiece, 99, kPiece + 1), kOutOfBounds);
    CHECK(std::memcmp(bytes, expected.data(), kRegion) == 0);
  }

  void Attach(uint32_t index, uint8_t* start, size_t size = kRegion) {
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, index, start, size),
             Result::kOk);
  }

  Engine engine;

 private:
  v8::HandleScope scope_;

 public:
  v8::Local<v8::Object> instance;
  std::vector<uint8_t> expected;

  void CheckNarrow(uint8_t* bytes) {
    CheckFills(bytes, [&](size_t to, int value, size_t size) {
      return engine.Call(instance, "fill32", static_cast<int>(to), value,
                         static_cast<int>(size));
    });
    CheckCopies(bytes, [&](const Copy& copy) {
      return engine.Call(instance, "copy32", static_cast<int>(copy.to),
                         static_cast<int>(copy.from),
                         static_cast<int>(copy.size));
    });
    CHECK_EQ(engine.Call(instance, "copy32", 1, 0, static_cast<int>(kRegion)),
             kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy32", 0, 1, static_cast<int>(kRegion)),
             kOutOfBounds);
    CHECK(std::memcmp(bytes, expected.data(), kRegion) == 0);
  }

  void CheckWide(uint8_t* bytes) {
    CheckFills(bytes, [&](size_t to, int value, size_t size) {
      return engine.Call(instance, "fill64", static_cast<int64_t>(to), value,
                         static_cast<int64_t>(size));
    });
    CheckCopies(bytes, [&](const Copy& copy) {
      return engine.Call(instance, "copy64", static_cast<int64_t>(copy.to),
                         static_cast<int64_t>(copy.from),
                         static_cast<int64_t>(copy.size));
    });
  }
};

// Gigabytes of addresses for megabytes of memory, the same ones over and over.
class RepeatedRegion {
 public:
  explicit RepeatedRegion(size_t size) : size_(size) {
    constexpr size_t kUnit = size_t{64} << 20;
    const int file = memfd_create("repeated", 0);
    start_ = static_cast<uint8_t*>(
        mmap(nullptr, size, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (file < 0 || start_ == MAP_FAILED ||
        ftruncate(file, static_cast<off_t>(kUnit)) != 0) {
      std::perror("RepeatedRegion");
      std::abort();
    }
    for (size_t at = 0; at < size; at += kUnit) {
      if (mmap(start_ + at, kUnit, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) {
        std::perror("mmap");
        std::abort();
      }
    }
    close(file);
  }
  ~RepeatedRegion() { munmap(start_, size_); }
  uint8_t* start() const { return start_; }
  size_t size() const { return size_; }

 private:
  uint8_t* start_;
  size_t size_;
};

// For operations that come to their end, and for those that do not.
constexpr size_t kLarge = size_t{256} << 20;
constexpr size_t kHuge = size_t{8} << 30;

// Calls `request` on another thread once the byte at `watched` is `value`, or
// after half a minute, so that a failing test comes to its end.
template <typename Request>
std::thread WhenWritten(volatile uint8_t* watched,
                        uint8_t value,
                        Request request) {
  return std::thread([=] {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (*watched != value && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    request();
  });
}

}  // namespace

TEST(ResultsInRawMemory) {
  Pieces test;
  GuardedRegion region(kRegion, GuardedRegion::Flush::kEnd, 1);
  test.Attach(0, region.start());
  test.CheckNarrow(region.start());
  test.Attach(1, region.start());
  test.CheckWide(region.start());
  CHECK(region.IsUntouchedOutside());
}

TEST(ResultsBetweenMemoriesThatOverlap) {
  Pieces test;
  GuardedRegion region(kRegion + 1);
  // The same bytes under two indices, one of them a byte further.
  test.Attach(1, region.start());
  test.Attach(2, region.start() + 1);
  test.CheckCopies(region.start(), [&](const Copy& copy) {
    return test.engine.Call(
        test.instance, "copy_other", static_cast<int64_t>(copy.to) - 1,
        static_cast<int64_t>(copy.from), static_cast<int64_t>(copy.size));
  });
  test.Attach(0, region.start());
  test.CheckCopies(region.start(), [&](const Copy& copy) {
    return test.engine.Call(
        test.instance, "copy_narrow", static_cast<int>(copy.to),
        static_cast<int64_t>(copy.from), static_cast<int>(copy.size));
  });
  CHECK(region.IsUntouchedOutside());
}

TEST(ResultsInOwnMemory) {
  Pieces test;
  const int pages = kRegion / 65536;
  CHECK_EQ(test.engine.Call(test.instance, "grow32", pages), int64_t{0});
  CHECK_EQ(test.engine.Call(test.instance, "grow64", int64_t{pages}),
           int64_t{0});
  v8::Local<v8::Object> exports =
      test.engine.Get(test.instance, "exports").As<v8::Object>();
  auto data = [&](const char* name) {
    return static_cast<uint8_t*>(test.engine.Get(exports, name)
                                     .As<v8::WasmMemoryObject>()
                                     ->Buffer()
                                     ->Data());
  };
  test.CheckNarrow(data("narrow"));
  test.CheckWide(data("wide"));
}

// With a collection in the midst of it, which moves what they refer to.
TEST(LocalsSurvive) {
  Pieces test;
  RepeatedRegion region(kLarge);
  test.Attach(1, region.start(), kLarge);
  for (int run = 0; run < 2; ++run) {
    v8::HandleScope scope(test.engine.isolate());
    region.start()[0] = 0;
    int collections = 0;
    std::thread thread = WhenWritten(region.start(), 5, [&] {
      test.engine.isolate()->RequestInterrupt(
          [](v8::Isolate* isolate, void* data) {
            ++*static_cast<int*>(data);
            isolate->LowMemoryNotification();
          },
          &collections);
    });
    v8::Local<v8::Object> object = v8::Object::New(test.engine.isolate());
    v8::Local<v8::Value> arguments[] = {
        v8::BigInt::New(test.engine.isolate(), kLarge),
        v8::Number::New(test.engine.isolate(), 1.5), object};
    v8::Local<v8::Value> result;
    CHECK(test.engine.Export(test.instance, "fill_and_keep")
              ->Call(test.engine.context(),
                     v8::Undefined(test.engine.isolate()), 3, arguments)
              .ToLocal(&result));
    CHECK(result == object);
    CHECK_EQ(collections, 1);
    int64_t integer;
    std::memcpy(&integer, region.start() + 8, 8);
    CHECK_EQ(integer, static_cast<int64_t>(kLarge + 3));
    double real;
    std::memcpy(&real, region.start() + 16, 8);
    CHECK_EQ(real, 1.5);
    thread.join();
  }
}

TEST(InterruptsAreServedInBetween) {
  Pieces test;
  RepeatedRegion region(kLarge);
  test.Attach(1, region.start(), kLarge);
  struct Served {
    v8::Local<v8::Object> instance;
    int count = 0;
    Result result = Result::kOk;
  } served{test.instance};
  auto request = [&] {
    test.engine.isolate()->RequestInterrupt(
        [](v8::Isolate* isolate, void* data) {
          v8::HandleScope scope(isolate);
          auto* served = static_cast<Served*>(data);
          ++served->count;
          served->result = v8::ResetWasmInstanceRawMemory(served->instance, 1);
        },
        &served);
  };
  std::thread thread = WhenWritten(region.start(), 7, request);
  CHECK_EQ(test.engine.Call(test.instance, "fill64", int64_t{0}, 7,
                            static_cast<int64_t>(kLarge)),
           kNothing);
  // Nothing comes after the operation that would have served it.
  CHECK_EQ(served.count, 1);
  CHECK_EQ(served.result, Result::kInInterrupt);
  thread.join();

  // From the end, as the ranges overlap. The byte behind the eights tells that
  // it began: it is an eight from then on.
  constexpr size_t kEights = 1000;
  std::memset(region.start(), 8, kEights);
  thread = WhenWritten(region.start() + kEights, 8, request);
  CHECK_EQ(test.engine.Call(test.instance, "copy64", int64_t{1}, int64_t{0},
                            static_cast<int64_t>(kLarge - 1)),
           kNothing);
  CHECK_EQ(served.count, 2);
  thread.join();
}

TEST(TerminationEndsThem) {
  Pieces test;
  RepeatedRegion region(kHuge);
  for (uint32_t index : {0u, 1u}) {
    const bool wide = index == 1;
    const size_t size = wide ? kHuge : size_t{0xffffffff};
    test.Attach(index, region.start(), size);
    region.start()[0] = 0;
    std::thread thread = WhenWritten(region.start(), 7, [&] {
      test.engine.isolate()->TerminateExecution();
    });
    {
      v8::TryCatch try_catch(test.engine.isolate());
      v8::Local<v8::Value> zero = v8::Integer::New(test.engine.isolate(), 0);
      v8::Local<v8::Value> arguments[] = {
          zero, v8::Integer::New(test.engine.isolate(), 7),
          v8::Integer::New(test.engine.isolate(), -1)};
      if (wide) {
        arguments[0] = v8::BigInt::New(test.engine.isolate(), 0);
        arguments[2] = v8::BigInt::NewFromUnsigned(test.engine.isolate(), size);
      }
      CHECK(test.engine.Export(test.instance, wide ? "fill64" : "fill32")
                ->Call(test.engine.context(),
                       v8::Undefined(test.engine.isolate()), 3, arguments)
                .IsEmpty());
      CHECK(try_catch.HasTerminated());
    }
    thread.join();
    // Nothing is left over for the next one.
    CHECK_EQ(test.engine.Call(test.instance, "fill32", 0, 1, 0), kNothing);
    region.start()[kPiece] = 9;
    if (wide) {
      CHECK_EQ(test.engine.Call(test.instance, "fill64", int64_t{0}, 1,
                                int64_t{kPiece}),
               kNothing);
    } else {
      CHECK_EQ(test.engine.Call(test.instance, "fill32", 0, 1,
                                static_cast<int>(kPiece)),
               kNothing);
    }
    CHECK_EQ(int{region.start()[kPiece]}, 9);
  }
}
