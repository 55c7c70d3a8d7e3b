// SetWasmInstanceWindow: what it shows, what it refuses, and what stays the
// program's own.

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

using Result = v8::WasmRawMemoryResult;

namespace {

constexpr size_t kPage = 65536;
constexpr size_t kMiB = size_t{1} << 20;
// From the beginning of a window to that of the next.
constexpr size_t kWindow = 256 * kMiB;
// What stays empty behind a region.
constexpr size_t kGap = kPage;

constexpr uint32_t AddressOf(uint32_t window, size_t offset = 0) {
  return static_cast<uint32_t>((size_t{8 + window}) * kWindow + offset);
}

v8::Local<v8::Object> Imports(Engine& engine, Engine::Callback next) {
  v8::Local<v8::Object> rawmem = engine.NewObject();
  engine.Set(rawmem, "next", engine.NewFunction(std::move(next)));
  v8::Local<v8::Object> imports = engine.NewObject();
  engine.Set(imports, "rawmem", rawmem);
  return imports;
}

v8::Local<v8::Object> NewProgram(
    Engine& engine,
    Engine::Callback next = [](const auto&) {}) {
  return engine
      .Instantiate(engine.Compile("host-windows"),
                   Imports(engine, std::move(next)))
      .ToLocalChecked();
}

Result Show(v8::Local<v8::Object> instance,
            uint32_t window,
            uint8_t* start,
            size_t size) {
  return v8::SetWasmInstanceWindow(instance, 0, window, start, size);
}

Result Show(v8::Local<v8::Object> instance,
            uint32_t window,
            const GuardedRegion& region) {
  return Show(instance, window, region.start(), region.size());
}

Result Empty(v8::Local<v8::Object> instance, uint32_t window) {
  return Show(instance, window, nullptr, 0);
}

// The memory of the instance as its own, whatever the windows show.
uint8_t* OwnBytes(Engine& engine, v8::Local<v8::Object> instance) {
  return static_cast<uint8_t*>(
      engine.Get(engine.Get(instance, "exports").As<v8::Object>(), "memory")
          .As<v8::WasmMemoryObject>()
          ->Buffer()
          ->Data());
}

}  // namespace

// The example of docs/embedding.md.
TEST(AColumnBesideTheMemoryOfTheProgram) {
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  std::vector<uint64_t> prices = {7, 8, 9};

  auto* bytes = reinterpret_cast<uint8_t*>(prices.data());
  v8::WasmRawMemoryResult result = v8::SetWasmInstanceWindow(
      instance, 0, 1, bytes, prices.size() * sizeof(uint64_t));
  CHECK_EQ(result, v8::WasmRawMemoryResult::kOk);

  CHECK_EQ(engine.Call(instance, "load_i64", 0x90000000u + 16), int64_t{9});
  CHECK_EQ(engine.Call(instance, "load_i64", 0x90000000u + 17), kOutOfBounds);
}

TEST(ShowsRegionsOfAnyStartAndLengthToTheByte) {
  using Flush = GuardedRegion::Flush;
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  for (uint32_t window = 0; window < 8; ++window) {
    for (size_t size :
         {size_t{1}, size_t{7}, size_t{8}, kPage - 1, kPage, 3 * kPage + 13}) {
      for (auto [flush, gap] : {std::pair{Flush::kEnd, size_t{0}},
                                {Flush::kStart, size_t{0}},
                                {Flush::kEnd, size_t{3}},
                                {Flush::kStart, size_t{5}}}) {
        GuardedRegion region(size, flush, gap);
        CHECK_EQ(Show(instance, window, region), Result::kOk);
        const uint32_t begin = AddressOf(window);
        const uint32_t last = AddressOf(window, size - 1);
        region.start()[0] = 42;
        CHECK_EQ(engine.Call(instance, "load", begin), int64_t{42});
        CHECK_EQ(engine.Call(instance, "store", last, 43), kNothing);
        CHECK_EQ(int{region.start()[size - 1]}, 43);
        // The embedder's writes are seen at once.
        region.start()[size - 1] = 44;
        CHECK_EQ(engine.Call(instance, "load", last), int64_t{44});
        CHECK_EQ(engine.Call(instance, "load_behind",
                             AddressOf(window, size - 1) - 0x10000000u),
                 int64_t{44});

        CHECK_EQ(engine.Call(instance, "load", begin - 1), kOutOfBounds);
        if (last != 0xffffffff) {
          CHECK_EQ(engine.Call(instance, "load", last + 1), kOutOfBounds);
          CHECK_EQ(engine.Call(instance, "store", last + 1, 1), kOutOfBounds);
        }
        CHECK_EQ(engine.Call(instance, "load_i64", last - 6), kOutOfBounds);
        CHECK_EQ(engine.Call(instance, "store_i64", last - 6, int64_t{-1}),
                 kOutOfBounds);
        if (size >= 8) {
          CHECK_EQ(
              engine.Call(instance, "store_i64", last - 7, int64_t{1} << 56),
              kNothing);
          CHECK_EQ(int{region.start()[size - 1]}, 1);
        }
        // All or nothing.
        CHECK_EQ(engine.Call(instance, "fill", begin, 9,
                             static_cast<uint32_t>(size + 1)),
                 kOutOfBounds);
        CHECK_EQ(engine.Call(instance, "fill", begin, 9,
                             static_cast<uint32_t>(size)),
                 kNothing);
        CHECK(region.Contains(9));
        CHECK(region.IsUntouchedOutside());
        CHECK_EQ(Empty(instance, window), Result::kOk);
      }
    }
  }
  if (!GetRunOptions().tier.empty()) {
    CHECK_EQ(engine.Tier(engine.Export(instance, "load")),
             GetRunOptions().tier);
  }
}

TEST(ShowsLongRegionsAcrossWindows) {
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  const size_t size = 2 * kWindow + 100 * kMiB + 3;
  SparseRegion region(size, SparseRegion::Access::kAll);
  GuardedRegion other(kPage);
  CHECK_EQ(Show(instance, 2, region.start(), size), Result::kOk);
  const int64_t value = 0x1122334455667788;
  std::memcpy(region.start() + kWindow - 3, &value, sizeof(value));
  region.start()[size - 1] = 42;
  CHECK_EQ(engine.Call(instance, "load_i64", AddressOf(2, kWindow - 3)), value);
  CHECK_EQ(engine.Call(instance, "load", AddressOf(2, size - 1)), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", AddressOf(2, size)), kOutOfBounds);

  // The windows that it goes through are taken, and that behind it is not.
  for (uint32_t window : {3, 4}) {
    CHECK_EQ(Show(instance, window, other), Result::kWindowTaken);
    CHECK_EQ(Empty(instance, window), Result::kWindowTaken);
  }
  CHECK_EQ(Show(instance, 5, other), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", AddressOf(5)), int64_t{0});
  // Nor do others run into it.
  CHECK_EQ(Show(instance, 1, region.start(), kWindow - kGap), Result::kOk);
  CHECK_EQ(Show(instance, 1, region.start(), kWindow - kGap + 1),
           Result::kWindowTaken);

  // A shorter one leaves the others behind.
  CHECK_EQ(Show(instance, 2, region.start(), kPage), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", AddressOf(3)), kOutOfBounds);
  CHECK_EQ(Show(instance, 4, other), Result::kOk);
  CHECK_EQ(Show(instance, 2, region.start(), size), Result::kWindowTaken);
  CHECK_EQ(engine.Call(instance, "load", AddressOf(2, kPage)), kOutOfBounds);
}

TEST(ReachesTheEndOfTheAddressSpace) {
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  SparseRegion region(8 * kWindow, SparseRegion::Access::kAll);
  region.start()[8 * kWindow - 1] = 42;
  for (uint32_t window : {0, 3, 7}) {
    const size_t room = (8 - window) * kWindow;
    uint8_t* const start = region.start() + 8 * kWindow - room;
    CHECK_EQ(Show(instance, window, start, room), Result::kOk);
    CHECK_EQ(engine.Call(instance, "load", 0xffffffffu), int64_t{42});
    CHECK_EQ(engine.Call(instance, "load_i64", 0xfffffff9u), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load_behind", 0xf0000000u), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 0xfffffff0u, 1, 17), kOutOfBounds);
    CHECK_EQ(Show(instance, window, start, room + 1), Result::kTooLarge);
    CHECK_EQ(Empty(instance, window), Result::kOk);
  }
}

TEST(CodeThatRunsSeesTheNextRegion) {
  Engine engine;
  std::vector<size_t> sizes = {1, 100, kPage, 1};
  std::vector<std::unique_ptr<GuardedRegion>> regions;
  for (size_t size : sizes) {
    regions.push_back(std::make_unique<GuardedRegion>(size));
    regions.back()->Fill(static_cast<uint8_t>(regions.size()));
  }
  size_t next = 0;
  v8::Local<v8::Object> instance;
  instance =
      NewProgram(engine, [&](const v8::FunctionCallbackInfo<v8::Value>& info) {
        if (next == regions.size()) {
          CHECK_EQ(Empty(instance, 0), Result::kOk);
          info.GetReturnValue().Set(0);
          return;
        }
        const GuardedRegion& region = *regions[next++];
        CHECK_EQ(Show(instance, 0, region), Result::kOk);
        info.GetReturnValue().Set(static_cast<uint32_t>(region.size()));
      });
  // The first calls compile, and code is optimized between others.
  for (int round = 0; round < 3; ++round) {
    next = 0;
    CHECK_EQ(engine.Call(instance, "sum"), int64_t{1 + 200 + 3 * kPage + 4});
    CHECK_EQ(engine.Call(instance, "load", AddressOf(0)), kOutOfBounds);
  }
  next = 0;
  CHECK_EQ(Show(instance, 0, *regions[3]), Result::kOk);
  CHECK_EQ(engine.Call(instance, "around_next", AddressOf(0)),
           int64_t{4 * 256 + 1});
  // The next access is of a region that is gone.
  next = regions.size();
  CHECK_EQ(engine.Call(instance, "around_next", AddressOf(0)), kOutOfBounds);
  for (const auto& region : regions)
    CHECK(region->IsUntouchedOutside());
}

TEST(LeavesTheOwnMemoryAlone) {
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  GuardedRegion region(kPage);
  region.Fill(7);
  CHECK_EQ(Show(instance, 0, region), Result::kOk);
  CHECK_EQ(std::memcmp(OwnBytes(engine, instance) + 1024, "statics", 7), 0);
  CHECK_EQ(engine.Call(instance, "load", 1024), int64_t{'s'});
  CHECK_EQ(engine.Call(instance, "load", int{kPage}), kOutOfBounds);

  // Between both, and not a byte further.
  CHECK_EQ(engine.Call(instance, "copy", AddressOf(0, 10), 1024, 7), kNothing);
  CHECK_EQ(std::memcmp(region.start() + 10, "statics", 7), 0);
  CHECK_EQ(engine.Call(instance, "copy", 2000, AddressOf(0), 10), kNothing);
  CHECK_EQ(int{OwnBytes(engine, instance)[2009]}, 7);
  CHECK_EQ(int{OwnBytes(engine, instance)[2010]}, 0);
  CHECK_EQ(engine.Call(instance, "copy", AddressOf(0, kPage - 6), 1024, 7),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "copy", int{kPage - 6}, AddressOf(0), 7),
           kOutOfBounds);
  CHECK(region.Contains(7, 10, 17));

  // It grows, also elsewhere in the address space of the process.
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "grow", 6), int64_t{1});
  CHECK_EQ(engine.Call(instance, "grow", 2), int64_t{-1});
  CHECK_EQ(engine.Call(instance, "load", int{7 * kPage - 1}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", 1024), int64_t{'s'});
  CHECK_EQ(engine.Call(instance, "load", AddressOf(0)), int64_t{7});

  // It is taken away like any other, and the window stays.
  GuardedRegion raw(kPage);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, raw.start(), raw.size()),
           Result::kOk);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, raw.start(),
                                        8 * kWindow - kGap + 1),
           Result::kTooLarge);
  CHECK_EQ(engine.Call(instance, "load", 1024), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", AddressOf(0)), int64_t{7});
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 1024), int64_t{'s'});
  CHECK_EQ(engine.Call(instance, "load", AddressOf(0)), int64_t{7});
  CHECK(region.IsUntouchedOutside());
  CHECK(raw.IsUntouchedOutside());
}

TEST(TakesRegionsAway) {
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  v8::Local<v8::Object> other = NewProgram(engine);
  GuardedRegion region(kPage);
  region.Fill(7);
  CHECK_EQ(Empty(instance, 0), Result::kOk);
  CHECK_EQ(Show(instance, 0, region), Result::kOk);
  CHECK_EQ(Show(instance, 7, region), Result::kOk);
  // Only of this instance.
  CHECK_EQ(engine.Call(other, "load", AddressOf(0)), kOutOfBounds);
  for (uint8_t* start : {static_cast<uint8_t*>(nullptr), region.start()}) {
    CHECK_EQ(Show(instance, 0, region), Result::kOk);
    CHECK_EQ(Show(instance, 0, start, 0), Result::kOk);
    CHECK_EQ(engine.Call(instance, "load", AddressOf(0)), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "store", AddressOf(0), 1), kOutOfBounds);
    // Where there is nothing, there are no bytes either.
    CHECK_EQ(engine.Call(instance, "fill", AddressOf(0), 1, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load", AddressOf(7)), int64_t{7});
  }
  CHECK(region.Contains(7));
}

TEST(RefusesWhatIsNoInstance) {
  Engine engine;
  GuardedRegion region(kPage);
  const v8::Local<v8::Object> receivers[] = {
      {},
      engine.NewObject(),
      engine.Compile("host-windows"),
      engine.NewMemory("{initial: 1}"),
      engine.Get(NewProgram(engine), "exports").As<v8::Object>(),
  };
  for (v8::Local<v8::Object> receiver : receivers) {
    CHECK_EQ(Show(receiver, 0, region), Result::kNotAnInstance);
  }
}

TEST(RefusesMemoriesWithoutWindows) {
  Engine engine;
  GuardedRegion region(kPage);
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next", engine.NewFunction([](const auto&) {}));
  for (const char* name :
       {"growable", "shared-memory", "limits64", "multi-memory"}) {
    v8::Local<v8::Object> instance = engine.Instantiate(name, env);
    CHECK_EQ(Show(instance, 0, region), Result::kNoHostWindows);
    CHECK_EQ(Empty(instance, 0), Result::kNoHostWindows);
  }
  v8::Local<v8::Object> many = engine.Instantiate("multi-memory", env);
  CHECK_EQ(v8::SetWasmInstanceWindow(many, 1, 0, region.start(), kPage),
           Result::kNoHostWindows);
  CHECK_EQ(v8::SetWasmInstanceWindow(many, 3, 0, region.start(), kPage),
           Result::kNoSuchMemory);
  CHECK_EQ(Show(engine.Instantiate("no-memory"), 0, region),
           Result::kNoSuchMemory);
  CHECK_EQ(v8::SetWasmInstanceWindow(NewProgram(engine), 1, 0, region.start(),
                                     kPage),
           Result::kNoSuchMemory);
}

TEST(RefusesRegionsThatDoNotFit) {
  Engine engine;
  v8::Local<v8::Object> instance = NewProgram(engine);
  GuardedRegion region(kPage);
  region.start()[0] = 42;
  CHECK_EQ(Show(instance, 7, region), Result::kOk);
  CHECK_EQ(Show(instance, 7, region.start(), kWindow + 1), Result::kTooLarge);
  CHECK_EQ(Show(instance, 7, region.start(), SIZE_MAX), Result::kTooLarge);
  // The end would lie beyond the address space of the process.
  CHECK_EQ(Show(instance, 7,
                reinterpret_cast<uint8_t*>(UINTPTR_MAX - kPage + 1), kPage),
           Result::kTooLarge);
  CHECK_EQ(Show(instance, 7, nullptr, 1), Result::kNullStart);
  for (uint32_t window : {8u, 9u, 0xffffffffu}) {
    CHECK_EQ(Show(instance, window, region), Result::kNoSuchWindow);
    CHECK_EQ(Empty(instance, window), Result::kNoSuchWindow);
  }
  // A refusal changes nothing.
  CHECK_EQ(engine.Call(instance, "load", AddressOf(7)), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", AddressOf(7, kPage)), kOutOfBounds);
}

// A module that says nothing of windows has them by the option.
TEST(TheOptionHostWindowsGivesThemToOtherModules) {
  Engine engine;
  std::vector<uint8_t> bytes = Engine::ModuleBytes("growable");
  v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(engine.isolate(), bytes.size());
  std::memcpy(buffer->Data(), bytes.data(), bytes.size());
  engine.SetGlobal("bytes", buffer);
  v8::Local<v8::Object> instance =
      engine
          .EvaluateToValue(
              "new WebAssembly.Instance("
              "new WebAssembly.Module(bytes, {hostWindows: true}))")
          .ToLocalChecked()
          .As<v8::Object>();
  GuardedRegion region(kPage);
  region.start()[kPage - 1] = 42;
  CHECK_EQ(Show(instance, 3, region), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", AddressOf(3, kPage - 1)), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", AddressOf(3, kPage)), kOutOfBounds);
}
