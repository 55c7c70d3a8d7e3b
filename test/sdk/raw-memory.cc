// SetWasmInstanceRawMemory and ResetWasmInstanceRawMemory: what they accept,
// what they refuse, and what growing means meanwhile.

#include <cstring>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "windows.h"

using Result = v8::WasmRawMemoryResult;

namespace {

// Calls the form of 2020, which throws its refusals.
Outcome Set2020(Engine& engine,
                v8::Local<v8::Object> instance,
                uint8_t* start,
                size_t size) {
  return engine.CallFunction(engine.NewFunction([=](const auto&) {
    v8::SetWasmInstanceRawMemory(instance, start, size);
  }),
                             {});
}

}  // namespace

TEST(PointsAtTheEmbeddersBytes) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  GuardedRegion region(kPage);
  region.start()[5] = 42;
  CHECK_EQ(Set2020(engine, instance, region.start(), region.size()), kNothing);
  CHECK_EQ(engine.Call(instance, "load", 5), int64_t{42});
  CHECK_EQ(engine.Call(instance, "store", 6, 43), kNothing);
  CHECK_EQ(int{region.start()[6]}, 43);
  // The embedder's writes are seen at once.
  region.start()[5] = 44;
  CHECK_EQ(engine.Call(instance, "load", 5), int64_t{44});

  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 5), int64_t{0});
  CHECK_EQ(engine.Call(instance, "store", 5, 1), kNothing);
  CHECK_EQ(int{region.start()[5]}, 44);
}

TEST(RefusesWhatIsNoInstance) {
  Engine engine;
  GuardedRegion region(kPage);
  const v8::Local<v8::Object> receivers[] = {
      {},
      engine.NewObject(),
      engine.Compile("growable"),
      engine.NewMemory("{initial: 1}"),
      engine.Export(engine.Instantiate("growable"), "load"),
      engine.Get(engine.Instantiate("growable"), "exports").As<v8::Object>(),
      engine.EvaluateToValue("new Proxy({}, {})")
          .ToLocalChecked()
          .As<v8::Object>(),
      engine.EvaluateToValue("Object.create(WebAssembly.Instance.prototype)")
          .ToLocalChecked()
          .As<v8::Object>(),
  };
  for (v8::Local<v8::Object> receiver : receivers) {
    CHECK_EQ(v8::SetWasmInstanceRawMemory(receiver, 0, region.start(), kPage),
             Result::kNotAnInstance);
    CHECK_EQ(v8::ResetWasmInstanceRawMemory(receiver, 0),
             Result::kNotAnInstance);
    CHECK_EQ(Set2020(engine, receiver, region.start(), kPage),
             "RangeError: Raw memory: the receiver is not a "
             "WebAssembly.Instance");
  }
}

TEST(RefusesUnknownIndices) {
  Engine engine;
  GuardedRegion region(kPage);
  v8::Local<v8::Object> none = engine.Instantiate("no-memory");
  v8::Local<v8::Object> one = engine.Instantiate("growable");
  for (auto [instance, index] :
       {std::pair{none, 0u}, {none, 1u}, {one, 1u}, {one, 0xffffffffu}}) {
    CHECK_EQ(
        v8::SetWasmInstanceRawMemory(instance, index, region.start(), kPage),
        Result::kNoSuchMemory);
    CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, index),
             Result::kNoSuchMemory);
  }
  CHECK_EQ(Set2020(engine, none, region.start(), kPage),
           "RangeError: Raw memory: the instance has no memory with this "
           "index");
}

TEST(RefusesSizesThatDoNotFit) {
  Engine engine;
  GuardedRegion region(kPage);
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  CHECK_EQ(Set2020(engine, instance, region.start(), kPage), kNothing);
  region.start()[0] = 42;

  CHECK_EQ(Set2020(engine, instance, region.start(), kPage - 1),
           "RangeError: Raw memory: smaller than the memory's declared "
           "minimum");
  CHECK_EQ(Set2020(engine, instance, region.start(), 0),
           "RangeError: Raw memory: smaller than the memory's declared "
           "minimum");
  const size_t four_gib = size_t{1} << 32;
  CHECK_EQ(Set2020(engine, instance, region.start(), four_gib + 1),
           "RangeError: Raw memory: larger than the memory's addresses reach");
  CHECK_EQ(Set2020(engine, instance, region.start(), SIZE_MAX),
           "RangeError: Raw memory: larger than the memory's addresses reach");
  CHECK_EQ(Set2020(engine, instance, nullptr, kPage),
           "RangeError: Raw memory: null pointer");
  // The end would lie beyond the address space.
  CHECK_EQ(v8::SetWasmInstanceRawMemory(
               instance, 0, reinterpret_cast<uint8_t*>(UINTPTR_MAX - kPage + 1),
               kPage),
           Result::kTooLarge);

  // A refusal changes nothing.
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", int{kPage}), kOutOfBounds);

  v8::Local<v8::Object> wide = engine.Instantiate("limits64");
  CHECK_EQ(v8::SetWasmInstanceRawMemory(wide, 0, region.start(),
                                        (size_t{1} << 48) + 1),
           Result::kTooLarge);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(wide, 0, region.start(), kPage - 1),
           Result::kTooSmall);
}

TEST(RefusesSharedMemories) {
  Engine engine;
  GuardedRegion region(kPage);
  v8::Local<v8::Object> instance = engine.Instantiate("shared-memory");
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), kPage),
           Result::kShared);
  CHECK_EQ(Set2020(engine, instance, region.start(), kPage),
           "RangeError: Raw memory: the memory is shared");
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{0});
}

// Nothing at all is a memory, too, where the module asks for nothing.
TEST(AcceptsNothing) {
  Engine engine;
  GuardedRegion region(0);
  v8::Local<v8::Object> instance = engine.Instantiate("bulk");
  for (uint8_t* start : {region.start(), static_cast<uint8_t*>(nullptr)}) {
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, start, 0), Result::kOk);
    CHECK_EQ(engine.Call(instance, "size"), int64_t{0});
    CHECK_EQ(engine.Call(instance, "load", 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load", -1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "store", 0, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 0, 1, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "fill", 0, 1, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 1, 1, 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill_16", 0, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy", 0, 0, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "copy", 0, 0, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "copy_16", 0, 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "init", 0, 0, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "init", 0, 0, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "grow", 0), int64_t{-1});
  }
  CHECK(region.IsUntouchedOutside());
}

TEST(GrowingFailsWhileAttached) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  GuardedRegion region(2 * kPage + 100);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(instance, 0, region.start(), region.size()),
      Result::kOk);
  // Whole pages; the bytes behind them can be used all the same.
  CHECK_EQ(engine.Call(instance, "size"), int64_t{2});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage + 99}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage + 100}), kOutOfBounds);
  for (int pages : {0, 1, 7, 65536, -1}) {
    CHECK_EQ(engine.Call(instance, "grow", pages), int64_t{-1});
  }
  CHECK_EQ(engine.Call(instance, "size"), int64_t{2});

  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{1});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{2});
}

// The memory object behind an attached instance may grow; the instance sees it
// when it comes back.
TEST(GrowthOfTheMemoryObjectPassesTheInstanceBy) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  engine.SetGlobal("instance", instance);
  GuardedRegion region(kPage);
  region.start()[0] = 42;
  CHECK_EQ(engine.Call(instance, "store", 0, 7), kNothing);
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(instance, 0, region.start(), region.size()),
      Result::kOk);
  CHECK_EQ(engine.Evaluate("instance.exports.memory.grow(3)"), int64_t{1});
  CHECK_EQ(engine.Evaluate("instance.exports.memory.buffer.byteLength"),
           int64_t{4 * kPage});
  CHECK_EQ(engine.Evaluate("new Uint8Array(instance.exports.memory.buffer)[0]"),
           int64_t{7});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", int{kPage}), kOutOfBounds);
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{4});
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{7});
  CHECK_EQ(engine.Call(instance, "load", int{4 * kPage - 1}), int64_t{0});
}

// Other instances on the same memory object go on with it, and their growth
// passes the attached one by.
TEST(OnlyThisInstance) {
  Engine engine;
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "memory", engine.NewMemory("{initial: 1, maximum: 8}"));
  engine.Set(env, "next", engine.NewFunction([](const auto&) {}));
  v8::Local<v8::Object> attached = engine.Instantiate("imported-memory", env);
  v8::Local<v8::Object> other = engine.Instantiate("imported-memory", env);
  CHECK_EQ(engine.Call(other, "store", 0, 7), kNothing);
  GuardedRegion region(kPage);
  region.start()[0] = 42;
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(attached, 0, region.start(), region.size()),
      Result::kOk);
  CHECK_EQ(engine.Call(attached, "load", 0), int64_t{42});
  CHECK_EQ(engine.Call(other, "load", 0), int64_t{7});
  CHECK_EQ(engine.Call(other, "grow", 2), int64_t{1});
  CHECK_EQ(engine.Call(other, "size"), int64_t{3});
  CHECK_EQ(engine.Call(attached, "size"), int64_t{1});
  CHECK_EQ(engine.Call(attached, "load", 0), int64_t{42});
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(attached, 0), Result::kOk);
  CHECK_EQ(engine.Call(attached, "size"), int64_t{3});
  CHECK_EQ(engine.Call(attached, "load", 0), int64_t{7});
}

// Each memory of a module is attached for itself.
TEST(EveryMemoryForItself) {
  Engine engine;
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next", engine.NewFunction([](const auto&) {}));
  v8::Local<v8::Object> instance = engine.Instantiate("multi-memory", env);
  GuardedRegion left(kPage);
  GuardedRegion right(2 * kPage + 1);
  left.start()[0] = 1;
  right.start()[0] = 2;
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 1, left.start(), left.size()),
           Result::kOk);
  CHECK_EQ(engine.Call(instance, "load1", 0), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load2", 0), int64_t{0});
  CHECK_EQ(
      v8::SetWasmInstanceRawMemory(instance, 2, right.start(), right.size()),
      Result::kOk);
  CHECK_EQ(engine.Call(instance, "load0", 1024), int64_t{'p'});
  CHECK_EQ(engine.Call(instance, "load1", 0), int64_t{1});
  CHECK_EQ(engine.Call(instance, "load2", 0), int64_t{2});
  CHECK_EQ(engine.Call(instance, "size0"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "size1"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "size2"), int64_t{2});
  CHECK_EQ(engine.Call(instance, "load2", int{2 * kPage}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load2", int{2 * kPage + 1}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "load1", int{kPage}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "grow1", 1), int64_t{-1});

  // From one to the other, and not a byte further.
  left.Fill(7);
  right.Fill(0);
  CHECK_EQ(engine.Call(instance, "copy12_inline", int{2 * kPage - 15}, 0),
           kNothing);
  CHECK(right.Contains(0, 2 * kPage - 15, 2 * kPage + 1));
  CHECK_EQ(int{right.start()[2 * kPage]}, 7);
  CHECK_EQ(engine.Call(instance, "copy12_inline", int{2 * kPage - 14}, 0),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "copy12_inline", 0, int{kPage - 15}),
           kOutOfBounds);
  right.Fill(0);
  CHECK_EQ(engine.Call(instance, "copy12", 1, 0, int{kPage}), kNothing);
  CHECK(right.Contains(0, 1, kPage + 1));
  CHECK_EQ(engine.Call(instance, "copy12", 1, 1, int{kPage}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "copy12", int{kPage + 2}, 0, int{kPage}),
           kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "copy01", 10, 1024, 7), kNothing);
  CHECK_EQ(std::memcmp(left.start() + 10, "private", 7), 0);
  CHECK_EQ(engine.Call(instance, "copy01", int{kPage - 6}, 1024, 7),
           kOutOfBounds);

  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 1), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load1", 10), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load2", 1), int64_t{7});
  CHECK(left.IsUntouchedOutside());
  CHECK(right.IsUntouchedOutside());
}

// One region may be the memory of several instances and indices.
TEST(OneRegionForMany) {
  Engine engine;
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next", engine.NewFunction([](const auto&) {}));
  v8::Local<v8::Object> a = engine.Instantiate("multi-memory", env);
  v8::Local<v8::Object> b = engine.Instantiate("growable");
  GuardedRegion region(kPage + 1);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(a, 1, region.start(), kPage + 1),
           Result::kOk);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(a, 2, region.start() + 1, kPage),
           Result::kOk);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(b, 0, region.start(), kPage),
           Result::kOk);
  CHECK_EQ(engine.Call(a, "store1", 1, 42), kNothing);
  CHECK_EQ(engine.Call(a, "load2", 0), int64_t{42});
  CHECK_EQ(engine.Call(b, "load", 1), int64_t{42});
}

// The region outlives the instance, and the instance is not kept alive.
TEST(SurvivesCollections) {
  Engine engine;
  GuardedRegion region(kPage);
  region.start()[0] = 42;
  v8::Global<v8::Object> weak;
  {
    v8::HandleScope scope(engine.isolate());
    v8::Local<v8::Object> instance = engine.Instantiate("growable");
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), kPage),
             Result::kOk);
    engine.CollectGarbage();
    CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
    weak.Reset(engine.isolate(), instance);
    weak.SetWeak();
  }
  engine.CollectGarbage();
  CHECK(weak.IsEmpty());
  CHECK_EQ(int{region.start()[0]}, 42);
  CHECK(region.IsUntouchedOutside());
}
