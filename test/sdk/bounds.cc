// Every access instruction and bulk operation at and across the ends of regions
// of all kinds of sizes: what is inside works, what is not traps, and no byte
// outside is touched. Belongs to SetWasmInstanceRawMemory.

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "v8-container.h"

namespace {

using Flush = GuardedRegion::Flush;

struct Access {
  std::string name;  // Of the export.
  uint64_t bytes;
  uint64_t offset;
  bool is_atomic;
  bool is_load;
};

std::vector<Access> Accesses(Engine& engine, v8::Local<v8::Object> instance) {
  std::vector<Access> accesses;
  v8::Local<v8::Object> exports =
      engine.Get(instance, "exports").As<v8::Object>();
  v8::Local<v8::Array> names =
      exports->GetOwnPropertyNames(engine.context()).ToLocalChecked();
  for (uint32_t i = 0; i < names->Length(); ++i) {
    v8::String::Utf8Value name(
        engine.isolate(), names->Get(engine.context(), i).ToLocalChecked());
    std::istringstream words(*name);
    std::string instruction;
    Access access{*name, 0, 0, false, false};
    if (!(words >> instruction >> access.bytes >> access.offset))
      continue;
    access.is_atomic = instruction.find("atomic") != std::string::npos;
    access.is_load = instruction.find("load") != std::string::npos;
    accesses.push_back(access);
  }
  return accesses;
}

// Makes all accesses of a module around the ends of `region`.
template <typename Address>
void CheckAccesses(Engine& engine,
                   v8::Local<v8::Object> instance,
                   const std::vector<Access>& accesses,
                   GuardedRegion& region) {
  const uint64_t size = region.size();
  const auto start = reinterpret_cast<uintptr_t>(region.start());
  for (const Access& access : accesses) {
    const uint64_t reach = access.offset + access.bytes;
    const bool begins_aligned =
        kAtomicsMayBeginAnywhere || start % access.bytes == 0;
    // Around the first address behind the last that fits, at the ends of the
    // region, and where an addition of offset and size could wrap around.
    std::set<uint64_t> addresses = {0, 1, size};
    const uint64_t behind_last = size >= reach ? size - reach + 1 : 0;
    for (uint64_t i = 0; i <= access.bytes; ++i) {
      addresses.insert(behind_last + i);
      if (behind_last >= i)
        addresses.insert(behind_last - i);
    }
    const uint64_t largest = Address(-1);
    for (uint64_t i : {uint64_t{0}, access.bytes - 1, access.bytes,
                       access.offset, reach - 1, reach}) {
      addresses.insert(largest - i);
    }
    addresses.insert(largest / 2);
    addresses.insert(largest / 2 + 1);
    for (uint64_t address : addresses) {
      const bool fits = size >= reach && address <= size - reach;
      const bool aligned =
          !access.is_atomic ||
          (begins_aligned && (address + access.offset) % access.bytes == 0);
      // Which of two reasons to trap comes first is V8's choice.
      if (!fits && !aligned)
        continue;
      region.Fill(0);
      const Outcome outcome = engine.Call(instance, access.name.c_str(),
                                          static_cast<Address>(address));
      const std::string what = access.name + " at " + std::to_string(address) +
                               " of " + std::to_string(size) + ": ";
      if (!fits && !(outcome == kOutOfBounds)) {
        check::Fail(__FILE__, __LINE__, what + "no trap for bounds");
      }
      if (fits && !aligned && !(outcome == kUnaligned)) {
        check::Fail(__FILE__, __LINE__, what + "no trap for alignment");
      }
      if (fits && aligned && !outcome.error.empty()) {
        check::Fail(__FILE__, __LINE__, what + outcome.error);
      }
      const uint64_t begin = fits && aligned && !access.is_load
                                 ? address + access.offset
                                 : uint64_t{0};
      const uint64_t end =
          fits && aligned && !access.is_load ? begin + access.bytes : begin;
      if (!region.Contains(0, begin, end) || !region.IsUntouchedOutside()) {
        check::Fail(__FILE__, __LINE__, what + "other bytes were written");
      }
    }
  }
}

template <typename Address>
void CheckModule(const char* name, uint32_t memory_index) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate(name);
  const std::vector<Access> accesses = Accesses(engine, instance);
  // A mistake in the names would leave little to check.
  CHECK(accesses.size() > 150);
  auto check_region = [&](size_t size, Flush flush, size_t gap) {
    GuardedRegion region(size, flush, gap);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, memory_index,
                                          region.start(), region.size()),
             v8::WasmRawMemoryResult::kOk);
    CheckAccesses<Address>(engine, instance, accesses, region);
  };
  // Sizes that are no multiple of 64 KiB, of 16, of anything.
  for (size_t size : {0, 1, 7, 15, 16, 17, 31, 40, 100, 4096, 4097}) {
    check_region(size, Flush::kEnd, 0);
  }
  check_region(100, Flush::kStart, 0);
  // Odd addresses on both sides: the guard page is 3 and 5 bytes away.
  check_region(64, Flush::kEnd, 3);
  check_region(65, Flush::kStart, 5);
}

}  // namespace

TEST(Memory32) {
  CheckModule<uint32_t>("accesses32-0", 0);
}
TEST(Memory64) {
  CheckModule<uint64_t>("accesses64-0", 0);
}
TEST(SecondMemory32) {
  CheckModule<uint32_t>("accesses32-1", 1);
}
TEST(SecondMemory64) {
  CheckModule<uint64_t>("accesses64-1", 1);
}

// The ends of regions around the size of a page of WebAssembly.
TEST(AroundPages) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("bulk");
  for (int size : {65535, 65536, 65537, 131071, 131072, 131073}) {
    GuardedRegion region(size);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), size),
             v8::WasmRawMemoryResult::kOk);
    CHECK_EQ(engine.Call(instance, "size"), int64_t{size / 65536});
    CHECK_EQ(engine.Call(instance, "load", size - 1), int64_t{0});
    CHECK_EQ(engine.Call(instance, "load", size), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "store", size - 1, 1), kNothing);
    CHECK_EQ(engine.Call(instance, "store", size, 1), kOutOfBounds);
    CHECK(region.IsUntouchedOutside());
  }
}

TEST(BulkOperations) {
  for (auto [flush, gap] : {std::pair{Flush::kEnd, size_t{0}},
                            {Flush::kStart, size_t{0}},
                            {Flush::kEnd, size_t{3}}}) {
    Engine engine;
    v8::Local<v8::Object> instance = engine.Instantiate("bulk");
    GuardedRegion region(100, flush, gap);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(),
                                          region.size()),
             v8::WasmRawMemoryResult::kOk);

    CHECK_EQ(engine.Call(instance, "fill", 0, 1, 100), kNothing);
    CHECK(region.Contains(1));
    CHECK_EQ(engine.Call(instance, "fill", 99, 2, 1), kNothing);
    CHECK_EQ(int{region.start()[99]}, 2);
    CHECK_EQ(engine.Call(instance, "fill", 100, 2, 0), kNothing);
    // Nothing is written if the whole does not fit.
    region.Fill(0);
    CHECK_EQ(engine.Call(instance, "fill", 0, 1, 101), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 100, 1, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 101, 1, 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", -1, 1, 2), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 1, 1, -1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill_16", 85, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill_16", -1, 1), kOutOfBounds);
    CHECK(region.Contains(0));
    CHECK_EQ(engine.Call(instance, "fill_16", 84, 1), kNothing);
    CHECK(region.Contains(0, 84, 100));

    region.Fill(0);
    region.start()[0] = 1;
    CHECK_EQ(engine.Call(instance, "copy", 99, 0, 1), kNothing);
    CHECK_EQ(int{region.start()[99]}, 1);
    CHECK_EQ(engine.Call(instance, "copy", 1, 0, 99), kNothing);
    CHECK_EQ(int{region.start()[1]}, 1);
    CHECK_EQ(engine.Call(instance, "copy", 1, 0, 100), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy", 0, 1, 100), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy", 0, -1, 2), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy", -1, 0, 2), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy", 100, 100, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "copy", 101, 0, 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy_16", 84, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "copy_16", 0, 84), kNothing);
    CHECK_EQ(engine.Call(instance, "copy_16", 85, 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy_16", 0, 85), kOutOfBounds);

    region.Fill(0);
    CHECK_EQ(engine.Call(instance, "init", 85, 0, 16), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "init", 100, 0, 1), kOutOfBounds);
    CHECK(region.Contains(0));
    CHECK_EQ(engine.Call(instance, "init", 84, 0, 16), kNothing);
    CHECK(region.Contains(0, 84, 100));
    CHECK_EQ(int{region.start()[99]}, int{'f'});
    CHECK_EQ(engine.Call(instance, "init", 0, 15, 2), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "drop"), kNothing);
    CHECK_EQ(engine.Call(instance, "init", 0, 0, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "init", 100, 0, 0), kNothing);
    CHECK(region.IsUntouchedOutside());
  }
}
