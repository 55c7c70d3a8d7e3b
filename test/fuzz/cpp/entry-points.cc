// Any sequence of calls of the SDK's functions on two instances, against a
// model of what each memory shows.

#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "check.h"
#include "engine-setup.h"
#include "guarded-region.h"

using Result = v8::WasmRawMemoryResult;

namespace {

constexpr size_t kPage = 65536;
constexpr uint32_t kWindows = 0x80000000;
constexpr uint32_t kWindowSize = 0x10000000;

GuardedRegion& RegionAt(size_t index) {
  static std::array<GuardedRegion, 6> regions{
      GuardedRegion(0),         GuardedRegion(1),
      GuardedRegion(kPage - 1), GuardedRegion(kPage),
      GuardedRegion(kPage + 1), GuardedRegion(2 * kPage + 9)};
  return regions[index];
}
constexpr size_t kRegionCount = 6;

// What one instance shows.
struct Model {
  explicit Model(size_t size) : own(size) {}

  // The byte at an address; null if there is none.
  uint8_t* At(uint32_t address) {
    if (has_windows && address >= kWindows) {
      const GuardedRegion* window = windows[(address - kWindows) / kWindowSize];
      const size_t offset = (address - kWindows) % kWindowSize;
      return window != nullptr && offset < window->size()
                 ? window->start() + offset
                 : nullptr;
    }
    if (region != nullptr) {
      return address < region->size() ? region->start() + address : nullptr;
    }
    return address < own.size() ? &own[address] : nullptr;
  }

  bool has_windows = false;
  std::vector<uint8_t> own;
  const GuardedRegion* region = nullptr;
  std::array<const GuardedRegion*, 8> windows{};
};

struct Subject {
  v8::Local<v8::Object> instance;
  Model model{kPage};
};

v8::Local<v8::Object> NewProgram(Engine& engine) {
  v8::Local<v8::Object> rawmem = engine.NewObject();
  v8::Local<v8::Object> imports = engine.NewObject();
  static v8::Global<v8::Function> next(engine.isolate(),
                                       engine.NewFunction([](const auto&) {}));
  engine.Set(rawmem, "next", next.Get(engine.isolate()));
  engine.Set(imports, "rawmem", rawmem);
  return engine.Instantiate(engine.Compile("host-windows"), imports)
      .ToLocalChecked();
}

// Most addresses are at an end of something.
uint32_t TakeAddress(FuzzedDataProvider& data) {
  const auto begin = data.PickValueInArray<uint32_t>(
      {0, 0, kWindows, kWindows, kWindows + kWindowSize,
       kWindows + 7 * kWindowSize, kWindows - 1});
  if (data.ConsumeBool()) {
    return begin + data.ConsumeIntegral<uint32_t>();
  }
  const size_t size =
      RegionAt(data.ConsumeIntegralInRange<size_t>(0, kRegionCount - 1)).size();
  return static_cast<uint32_t>(begin + size -
                               data.ConsumeIntegralInRange<uint32_t>(0, 3));
}

const GuardedRegion* TakeRegion(FuzzedDataProvider& data) {
  return &RegionAt(data.ConsumeIntegralInRange<size_t>(0, kRegionCount - 1));
}

void Attach(FuzzedDataProvider& data, Subject& subject) {
  const auto index = data.PickValueInArray<uint32_t>({0, 0, 0, 1, 0xffffffff});
  Model& model = subject.model;
  if (data.ConsumeBool()) {
    const Result result =
        v8::ResetWasmInstanceRawMemory(subject.instance, index);
    CHECK_EQ(result, index == 0 ? Result::kOk : Result::kNoSuchMemory);
    if (index == 0) {
      model.region = nullptr;
    }
    return;
  }
  if (data.ConsumeIntegralInRange(0, 7) == 0) {
    // No such region exists: none of these may be taken.
    const auto size = data.PickValueInArray<size_t>(
        {SIZE_MAX, SIZE_MAX / 2, (size_t{1} << 32) + 1, 0});
    CHECK(v8::SetWasmInstanceRawMemory(subject.instance, index, nullptr,
                                       size) != Result::kOk);
    return;
  }
  const GuardedRegion* region = TakeRegion(data);
  const Result result = v8::SetWasmInstanceRawMemory(
      subject.instance, index, region->start(), region->size());
  CHECK_EQ(result, index != 0               ? Result::kNoSuchMemory
                   : region->size() < kPage ? Result::kTooSmall
                                            : Result::kOk);
  if (result == Result::kOk) {
    model.region = region;
  }
}

void Show(FuzzedDataProvider& data, Subject& subject) {
  Model& model = subject.model;
  const auto index = data.ConsumeIntegralInRange<uint32_t>(0, 1);
  const auto window = data.ConsumeIntegralInRange<uint32_t>(0, 9);
  const GuardedRegion* region =
      data.ConsumeIntegralInRange(0, 3) == 0 ? nullptr : TakeRegion(data);
  const Result result =
      v8::SetWasmInstanceWindow(subject.instance, index, window,
                                region == nullptr ? nullptr : region->start(),
                                region == nullptr ? 0 : region->size());
  if (!model.has_windows || index != 0 || window > 7) {
    CHECK(result != Result::kOk);
    return;
  }
  CHECK_EQ(result, Result::kOk);
  model.windows[window] = region;
}

void Access(FuzzedDataProvider& data, Engine& engine, Subject& subject) {
  const uint32_t address = TakeAddress(data);
  const auto value = data.ConsumeIntegral<uint8_t>();
  uint8_t* byte = subject.model.At(address);
  if (data.ConsumeBool()) {
    const Outcome outcome =
        engine.Call(subject.instance, "load", static_cast<int32_t>(address));
    if (byte == nullptr) {
      CHECK_EQ(outcome, kOutOfBounds);
    } else {
      CHECK_EQ(outcome, int64_t{*byte});
    }
    return;
  }
  // A region shows whether the byte came there.
  if (byte != nullptr) {
    *byte = static_cast<uint8_t>(~value);
  }
  const Outcome outcome = engine.Call(
      subject.instance, "store", static_cast<int32_t>(address), int32_t{value});
  if (byte == nullptr) {
    CHECK_EQ(outcome, kOutOfBounds);
    return;
  }
  CHECK_EQ(outcome, kNothing);
  const bool is_own =
      byte >= subject.model.own.data() &&
      byte < subject.model.own.data() + subject.model.own.size();
  if (is_own) {
    *byte = value;
  } else {
    CHECK_EQ(int{*byte}, int{value});
  }
}

void Grow(FuzzedDataProvider& data, Engine& engine, Subject& subject) {
  const auto pages = data.ConsumeIntegralInRange<int32_t>(-1, 4);
  Model& model = subject.model;
  const size_t before = model.own.size() / kPage;
  const bool is_taken = model.region == nullptr && pages >= 0 &&
                        before + static_cast<size_t>(pages) <= 8;
  CHECK_EQ(engine.Call(subject.instance, "grow", pages),
           is_taken ? static_cast<int64_t>(before) : int64_t{-1});
  if (is_taken) {
    model.own.resize((before + static_cast<size_t>(pages)) * kPage);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static int runs = 0;
  Engine& engine = SharedEngine();
  v8::HandleScope scope(engine.isolate());
  FuzzedDataProvider data(bytes, size);
  std::array<Subject, 2> subjects;
  subjects[0].instance = engine.Instantiate("growable");
  subjects[1].instance = NewProgram(engine);
  subjects[1].model.has_windows = true;
  std::memcpy(subjects[1].model.own.data() + 1024, "statics", 7);
  while (data.remaining_bytes() > 0) {
    Subject& subject = subjects[data.ConsumeIntegralInRange(0, 1)];
    switch (data.ConsumeIntegralInRange(0, 9)) {
      case 0:
        Attach(data, subject);
        break;
      case 1:
      case 2:
        Show(data, subject);
        break;
      case 3:
        Grow(data, engine, subject);
        break;
      case 4:
        if (data.ConsumeIntegralInRange(0, 50) == 0) {
          engine.CollectGarbage();
        }
        break;
      default:
        Access(data, engine, subject);
    }
    RequireNoFailures();
  }
  for (size_t i = 0; i < kRegionCount; ++i) {
    CHECK(RegionAt(i).IsUntouchedOutside());
  }
  RequireNoFailures();
  if (++runs % 200 == 0) {
    engine.CollectGarbage();
  }
  return 0;
}
