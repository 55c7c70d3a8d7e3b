// WasmMemoryObject::SetBackingStore: memory of the embedder becomes what a
// WebAssembly.Memory is, for all that use it.

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "v8-wasm-memory-buffer.h"
#include "windows.h"

using Result = v8::WasmRawMemoryResult;

namespace {

std::shared_ptr<v8::BackingStore> Store(GuardedRegion& region) {
  return v8::ArrayBuffer::NewBackingStore(
      region.start(), region.size(), v8::BackingStore::EmptyDeleter, nullptr);
}

// A store that counts how often it is freed.
std::shared_ptr<v8::BackingStore> CountedStore(GuardedRegion& region,
                                               int* freed) {
  return v8::ArrayBuffer::NewBackingStore(
      region.start(), region.size(),
      [](void*, size_t, void* data) { ++*static_cast<int*>(data); }, freed);
}

// A memory with instances of imported-memory.wat. The import `next` does what
// the test says.
class Shared {
 public:
  explicit Shared(const char* descriptor = "{initial: 1, maximum: 8}")
      : memory(engine.NewMemory(descriptor)), env_(engine.NewObject()) {
    engine.SetGlobal("memory", memory);
    engine.Set(env_, "memory", memory);
    engine.Set(env_, "next", engine.NewFunction([this](const auto&) {
      if (next)
        next();
    }));
  }

  v8::Local<v8::Object> Instantiate(const char* module = "imported-memory") {
    return engine.Instantiate(module, env_);
  }

  // The error of an instantiation that fails.
  Outcome TryInstantiate(const char* module) {
    v8::Local<v8::Object> imports = engine.NewObject();
    engine.Set(imports, "env", env_);
    engine.SetGlobal("module", engine.Compile(module));
    engine.SetGlobal("imports", imports);
    return engine.Evaluate("new WebAssembly.Instance(module, imports)");
  }

  Engine engine;
  v8::Local<v8::WasmMemoryObject> memory;
  std::function<void()> next;

 private:
  v8::Local<v8::Object> env_;
};

}  // namespace

// The program that began it all: the host has data, wraps it in an ArrayBuffer
// of its own, and makes that the memory of a module which exists already.
TEST(ReplacesTheBufferOfAMemory) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  v8::Local<v8::WasmMemoryObject> memory =
      engine.Get(engine.Get(instance, "exports").As<v8::Object>(), "memory")
          .As<v8::WasmMemoryObject>();
  GuardedRegion data(kPage);
  std::strcpy(reinterpret_cast<char*>(data.start()), "host data");
  v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(engine.isolate(), Store(data));
  CHECK_EQ(memory->SetBackingStore(buffer->GetBackingStore()), Result::kOk);

  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{'h'});
  CHECK_EQ(engine.Call(instance, "store", 0, 'H'), kNothing);
  CHECK_EQ(std::strcmp(reinterpret_cast<char*>(data.start()), "Host data"), 0);
  CHECK_EQ(memory->Buffer()->Data(), static_cast<void*>(data.start()));
  CHECK(data.IsUntouchedOutside());
}

TEST(AllInstancesSeeItAtOnce) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> a = test.Instantiate();
  v8::Local<v8::Object> b = test.Instantiate();
  CHECK_EQ(engine.Call(a, "store", 0, 7), kNothing);
  CHECK_EQ(engine.Call(b, "load", 0), int64_t{7});

  GuardedRegion region(2 * kPage + 12);
  region.start()[0] = 42;
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  for (v8::Local<v8::Object> instance : {a, b}) {
    CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
    CHECK_EQ(engine.Call(instance, "size"), int64_t{2});
    CHECK_EQ(engine.Call(instance, "load", int{2 * kPage + 8}), int64_t{0});
    CHECK_EQ(engine.Call(instance, "load", int{2 * kPage + 9}), kOutOfBounds);
  }
  CHECK_EQ(engine.Call(a, "store", 4, 43), kNothing);
  CHECK_EQ(engine.Call(b, "load", 4), int64_t{43});
  CHECK_EQ(int{region.start()[4]}, 43);
  CHECK(region.IsUntouchedOutside());
}

// An instance that is made later imports what the memory is then.
TEST(LaterInstancesSeeIt) {
  Shared test;
  Engine& engine = test.engine;
  GuardedRegion region(kPage + 4);
  region.start()[0] = 42;
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  v8::Local<v8::Object> instance = test.Instantiate();
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", int{kPage}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", int{kPage + 1}), kOutOfBounds);
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{-1});
}

// Code on the stack sees it when its call returns, also in other instances.
TEST(InstancesOnTheStackSeeIt) {
  for (auto [descriptor, module] :
       {std::pair{"{initial: 1, maximum: 1}", "imported-fixed"},
        {"{initial: 1, maximum: 1}", "imported-memory"},
        {"{initial: 1, maximum: 8}", "imported-memory"},
        {"{initial: 1}", "imported-memory"}}) {
    Shared test(descriptor);
    Engine& engine = test.engine;
    v8::Local<v8::Object> a = test.Instantiate(module);
    v8::Local<v8::Object> b = test.Instantiate(module);
    GuardedRegion one(kPage);
    GuardedRegion two(2 * kPage);
    one.start()[0] = 1;
    two.start()[0] = 2;
    int depth = 0;
    test.next = [&] {
      if (depth++ == 0) {
        // b is on the stack, too, when the memory is replaced.
        CHECK_EQ(engine.Call(b, "around_call", 0), int64_t{12});
      } else {
        CHECK_EQ(test.memory->SetBackingStore(Store(two)), Result::kOk);
      }
    };
    for (int run = 0; run < 8; ++run) {
      depth = 0;
      CHECK_EQ(test.memory->SetBackingStore(Store(one)), Result::kOk);
      CHECK_EQ(engine.Call(a, "around_call", 0), int64_t{12});
      CHECK_EQ(engine.Call(a, "size"), int64_t{2});
    }
    CHECK(one.IsUntouchedOutside());
    CHECK(two.IsUntouchedOutside());
  }
}

// A module that imports one memory under two indices.
TEST(EveryIndexSeesIt) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate("imported-twice");
  GuardedRegion region(kPage);
  region.start()[0] = 42;
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load0", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "load1", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "store0_load1", 0, 7), int64_t{7});
  // One index on its own way does not take the other with it.
  GuardedRegion raw(kPage);
  raw.start()[0] = 1;
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 1, raw.start(), kPage),
           Result::kOk);
  CHECK_EQ(engine.Call(instance, "load0", 0), int64_t{7});
  CHECK_EQ(engine.Call(instance, "load1", 0), int64_t{1});
}

TEST(BuffersBeforeAndAfter) {
  Shared test;
  Engine& engine = test.engine;
  GuardedRegion region(kPage + 10);
  region.start()[0] = 42;
  CHECK_EQ(engine.Evaluate("before = memory.buffer; before.byteLength"),
           int64_t{kPage});
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  // As when a memory grows.
  CHECK_EQ(engine.Evaluate("before.detached"), int64_t{1});
  CHECK_EQ(engine.Evaluate("before.byteLength"), int64_t{0});
  CHECK_EQ(engine.Evaluate("memory.buffer === memory.buffer"), int64_t{1});
  CHECK_EQ(engine.Evaluate("memory.buffer === before"), int64_t{0});
  CHECK_EQ(engine.Evaluate("memory.buffer.byteLength"), int64_t{kPage + 10});
  // It aliases the region, in both directions.
  CHECK_EQ(engine.Evaluate("view = new Uint8Array(memory.buffer); view[0]"),
           int64_t{42});
  CHECK_EQ(engine.Evaluate("view[view.length - 1] = 7"), int64_t{7});
  CHECK_EQ(int{region.start()[kPage + 9]}, 7);
  region.start()[1] = 3;
  CHECK_EQ(engine.Evaluate("view[1]"), int64_t{3});

  // JavaScript cannot take it away.
  CHECK(!test.memory->Buffer()->IsDetachable());
  CHECK_EQ(engine.Evaluate("memory.buffer.transfer()"), "TypeError");
  CHECK_EQ(engine.Evaluate("memory.buffer.resize(0)"), "TypeError");
  CHECK_EQ(engine.Evaluate("memory.buffer.resizable"), int64_t{0});
  CHECK_EQ(engine.Evaluate("memory.toResizableBuffer()"), "TypeError");
  CHECK_EQ(engine.Evaluate("view[0]"), int64_t{42});

  // The next one detaches this one.
  GuardedRegion next(kPage);
  CHECK_EQ(engine.Evaluate("between = memory.buffer; 0"), int64_t{0});
  CHECK_EQ(test.memory->SetBackingStore(Store(next)), Result::kOk);
  CHECK_EQ(engine.Evaluate("between.detached"), int64_t{1});
  CHECK_EQ(engine.Evaluate("view.length"), int64_t{0});
  CHECK_EQ(int{region.start()[0]}, 42);
}

TEST(TheOwnStoreComesBack) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate();
  CHECK_EQ(engine.Call(instance, "store", 0, 7), kNothing);
  std::shared_ptr<v8::BackingStore> own =
      test.memory->Buffer()->GetBackingStore();
  GuardedRegion region(3 * kPage);
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{0});
  CHECK_EQ(test.memory->SetBackingStore(own), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{7});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{1});
  // It grows as it did.
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{1});
  CHECK_EQ(engine.Evaluate("memory.grow(1)"), int64_t{2});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{3});
  CHECK_EQ(engine.Evaluate("memory.buffer.byteLength"), int64_t{3 * kPage});
  CHECK_EQ(engine.Call(instance, "grow", 6), int64_t{-1});
  CHECK(!test.memory->Buffer()->IsDetachable() ||
        engine.Evaluate("memory.buffer.transfer()") == "TypeError");
  // Setting the store that is there already detaches the buffer, nothing else.
  CHECK_EQ(
      test.memory->SetBackingStore(test.memory->Buffer()->GetBackingStore()),
      Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{7});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{3});
}

TEST(GrowingFails) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate();
  GuardedRegion region(2 * kPage + 1);
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  CHECK_EQ(engine.Evaluate("buffer = memory.buffer; 0"), int64_t{0});
  for (int pages : {0, 1, 6, 65536}) {
    CHECK_EQ(engine.Call(instance, "grow", pages), int64_t{-1});
    CHECK_EQ(engine.Evaluate("memory.grow(" + std::to_string(pages) + ")"),
             "RangeError");
  }
  CHECK_EQ(engine.Call(instance, "size"), int64_t{2});
  CHECK_EQ(engine.Evaluate("buffer === memory.buffer && !buffer.detached"),
           int64_t{1});
}

TEST(SizeZero) {
  Shared test("{initial: 0}");
  Engine& engine = test.engine;
  GuardedRegion region(0);
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  CHECK_EQ(engine.Evaluate("memory.buffer.byteLength"), int64_t{0});
  CHECK_EQ(test.TryInstantiate("imported-memory"), "LinkError");
  std::shared_ptr<v8::BackingStore> nothing = v8::ArrayBuffer::NewBackingStore(
      nullptr, 0, v8::BackingStore::EmptyDeleter, nullptr);
  CHECK_EQ(test.memory->SetBackingStore(nothing), Result::kOk);
  CHECK_EQ(engine.Evaluate("memory.buffer.byteLength"), int64_t{0});

  v8::Local<v8::Object> instance = engine.Instantiate("bulk");
  v8::Local<v8::WasmMemoryObject> memory =
      engine.Get(engine.Get(instance, "exports").As<v8::Object>(), "memory")
          .As<v8::WasmMemoryObject>();
  for (const auto& store : {Store(region), nothing}) {
    CHECK_EQ(memory->SetBackingStore(store), Result::kOk);
    CHECK_EQ(engine.Call(instance, "size"), int64_t{0});
    CHECK_EQ(engine.Call(instance, "load", 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "fill", 0, 1, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "fill", 0, 1, 1), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "init", 0, 0, 0), kNothing);
    CHECK_EQ(engine.Call(instance, "copy_16", 0, 0), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "grow", 0), int64_t{-1});
  }
}

TEST(Refusals) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate();
  CHECK_EQ(engine.Call(instance, "store", 0, 7), kNothing);
  CHECK_EQ(engine.Evaluate("buffer = memory.buffer; 0"), int64_t{0});
  GuardedRegion region(kPage);

  CHECK_EQ(test.memory->SetBackingStore(nullptr),
           Result::kUnsupportedBackingStore);
  CHECK_EQ(test.memory->SetBackingStore(
               v8::SharedArrayBuffer::NewBackingStore(engine.isolate(), kPage)),
           Result::kUnsupportedBackingStore);
  CHECK_EQ(test.memory->SetBackingStore(
               v8::ArrayBuffer::NewResizableBackingStore(kPage, 2 * kPage)),
           Result::kUnsupportedBackingStore);
  // The module of the instance declares one page.
  CHECK_EQ(
      test.memory->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
          region.start(), kPage - 1, v8::BackingStore::EmptyDeleter, nullptr)),
      Result::kTooSmall);
  CHECK_EQ(test.memory->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
               region.start(), (size_t{1} << 32) + 1,
               v8::BackingStore::EmptyDeleter, nullptr)),
           Result::kTooLarge);

  // The minimum counts also for an instance that looks elsewhere meanwhile:
  // it would come back to it.
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), kPage),
           Result::kOk);
  CHECK_EQ(
      test.memory->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
          region.start(), kPage - 1, v8::BackingStore::EmptyDeleter, nullptr)),
      Result::kTooSmall);
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);

  v8::Local<v8::WasmMemoryObject> shared =
      engine.NewMemory("{initial: 1, maximum: 1, shared: true}");
  CHECK_EQ(shared->SetBackingStore(Store(region)), Result::kShared);

  // A refusal changes nothing.
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{7});
  CHECK_EQ(engine.Evaluate("buffer === memory.buffer && !buffer.detached"),
           int64_t{1});
}

// What no instance uses has no minimum; who asks for more cannot import it.
TEST(TheMinimumIsThatOfTheInstances) {
  Shared test("{initial: 2}");
  Engine& engine = test.engine;
  GuardedRegion small(100);
  GuardedRegion exact(2 * kPage);
  GuardedRegion between(2 * kPage - 1);
  CHECK_EQ(test.memory->SetBackingStore(Store(small)), Result::kOk);
  CHECK_EQ(test.TryInstantiate("minimum"),
           "LinkError: WebAssembly.Instance(): Import #0 \"env\" \"memory\": "
           "memory import has 0 pages which is smaller than the declared "
           "initial of 2");
  CHECK_EQ(test.memory->SetBackingStore(Store(between)), Result::kOk);
  CHECK_EQ(test.TryInstantiate("minimum"), "LinkError");
  CHECK_EQ(test.memory->SetBackingStore(Store(exact)), Result::kOk);
  v8::Local<v8::Object> instance = test.Instantiate("minimum");
  exact.start()[2 * kPage - 1] = 42;
  CHECK_EQ(engine.Call(instance, "load_constant"), int64_t{42});
  CHECK_EQ(test.memory->SetBackingStore(Store(between)), Result::kTooSmall);
  CHECK_EQ(engine.Call(instance, "load_constant"), int64_t{42});
}

// Raw memory of one instance goes before the memory object's store, which the
// instance comes back to.
TEST(RawMemoryGoesFirst) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> a = test.Instantiate();
  v8::Local<v8::Object> b = test.Instantiate();
  GuardedRegion raw(kPage);
  GuardedRegion store(2 * kPage);
  raw.start()[0] = 1;
  store.start()[0] = 2;
  CHECK_EQ(v8::SetWasmInstanceRawMemory(a, 0, raw.start(), kPage), Result::kOk);
  CHECK_EQ(test.memory->SetBackingStore(Store(store)), Result::kOk);
  CHECK_EQ(engine.Call(a, "load", 0), int64_t{1});
  CHECK_EQ(engine.Call(a, "size"), int64_t{1});
  CHECK_EQ(engine.Call(b, "load", 0), int64_t{2});
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(a, 0), Result::kOk);
  CHECK_EQ(engine.Call(a, "load", 0), int64_t{2});
  CHECK_EQ(engine.Call(a, "size"), int64_t{2});
  CHECK_EQ(engine.Call(a, "grow", 1), int64_t{-1});
}

// The memory keeps its store; a buffer that was not detached keeps it, too;
// the deleter runs once.
TEST(TheStoreLivesAsLongAsItIsNeeded) {
  int freed = 0;
  GuardedRegion region(kPage);
  {
    Shared test;
    Engine& engine = test.engine;
    v8::Local<v8::Object> instance = test.Instantiate();
    CHECK_EQ(test.memory->SetBackingStore(CountedStore(region, &freed)),
             Result::kOk);
    region.start()[0] = 42;
    engine.CollectGarbage();
    CHECK_EQ(freed, 0);
    CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
    {
      v8::HandleScope scope(engine.isolate());
      CHECK_EQ(engine.Evaluate("memory.buffer.byteLength"), int64_t{kPage});
    }
    GuardedRegion other(kPage);
    CHECK_EQ(test.memory->SetBackingStore(Store(other)), Result::kOk);
    engine.CollectGarbage();
    CHECK_EQ(freed, 1);
  }
  CHECK_EQ(freed, 1);
}

TEST(TheStoreGoesWithTheMemory) {
  int freed = 0;
  GuardedRegion region(kPage);
  Engine engine;
  {
    v8::HandleScope scope(engine.isolate());
    v8::Local<v8::WasmMemoryObject> memory = engine.NewMemory("{initial: 1}");
    CHECK_EQ(memory->SetBackingStore(CountedStore(region, &freed)),
             Result::kOk);
    CHECK_EQ(memory->Buffer()->ByteLength(), size_t{kPage});
  }
  engine.CollectGarbage();
  CHECK_EQ(freed, 1);
}

TEST(TheStoreGoesWithTheIsolate) {
  int freed = 0;
  GuardedRegion region(kPage);
  {
    Shared test;
    v8::Local<v8::Object> instance = test.Instantiate();
    CHECK_EQ(test.memory->SetBackingStore(CountedStore(region, &freed)),
             Result::kOk);
    CHECK_EQ(test.engine.Call(instance, "load", 0), int64_t{0});
    CHECK_EQ(freed, 0);
  }
  CHECK_EQ(freed, 1);
}

// The embedder's own reference keeps the store beyond the memory.
TEST(TheEmbeddersReferenceCounts) {
  int freed = 0;
  GuardedRegion region(kPage);
  std::shared_ptr<v8::BackingStore> store = CountedStore(region, &freed);
  {
    Shared test;
    CHECK_EQ(test.memory->SetBackingStore(store), Result::kOk);
    // The same store for two memories.
    v8::Local<v8::WasmMemoryObject> second =
        test.engine.NewMemory("{initial: 1}");
    CHECK_EQ(second->SetBackingStore(store), Result::kOk);
    test.engine.SetGlobal("second", second);
    CHECK_EQ(test.engine.Evaluate("new Uint8Array(memory.buffer)[0] = 9;"
                                  "new Uint8Array(second.buffer)[0]"),
             int64_t{9});
  }
  CHECK_EQ(freed, 0);
  store.reset();
  CHECK_EQ(freed, 1);
}

// Instances come and go; the memory's list of them must not be walked wrongly.
TEST(CollectedInstancesDoNotCount) {
  Shared test;
  Engine& engine = test.engine;
  GuardedRegion small(kPage);
  GuardedRegion large(2 * kPage);
  CHECK_EQ(test.memory->SetBackingStore(Store(large)), Result::kOk);
  {
    v8::HandleScope scope(engine.isolate());
    for (int i = 0; i < 50; ++i)
      test.Instantiate("minimum");
  }
  v8::Local<v8::Object> kept = test.Instantiate();
  engine.CollectGarbage();
  // The instances that asked for two pages are gone.
  CHECK_EQ(test.memory->SetBackingStore(Store(small)), Result::kOk);
  small.start()[0] = 42;
  CHECK_EQ(engine.Call(kept, "load", 0), int64_t{42});
}

// The store of another memory, which may be larger than this one may grow, and
// which may grow there.
TEST(AnotherMemorysStore) {
  Shared test("{initial: 1, maximum: 1}");
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate();
  v8::Local<v8::WasmMemoryObject> large =
      engine.NewMemory("{initial: 10, maximum: 20}");
  engine.SetGlobal("large", large);
  CHECK_EQ(test.memory->SetBackingStore(large->Buffer()->GetBackingStore()),
           Result::kOk);
  CHECK_EQ(engine.Evaluate("new Uint8Array(large.buffer)[0] = 42"),
           int64_t{42});
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{10});
  CHECK_EQ(engine.Evaluate("memory.grow(1)"), "RangeError");
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{-1});
  CHECK_EQ(engine.Evaluate("large.grow(5)"), int64_t{10});
  CHECK_EQ(engine.Evaluate("memory.grow(1)"), "RangeError");
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{-1});
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
}

// The store of a memory64 could outgrow what a memory32 reaches.
TEST(TheStoreOfAMemory64IsNoneForAMemory32) {
  Shared test;
  v8::Local<v8::WasmMemoryObject> wide =
      test.engine.NewMemory("{initial: 1n, address: 'i64'}");
  CHECK_EQ(test.memory->SetBackingStore(wide->Buffer()->GetBackingStore()),
           Result::kUnsupportedBackingStore);
}

// A buffer that JavaScript may resize gives way, and comes back.
TEST(ResizableBuffers) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate();
  CHECK_EQ(engine.Evaluate("before = memory.toResizableBuffer();"
                           "before.resizable"),
           int64_t{1});
  std::shared_ptr<v8::BackingStore> own =
      test.memory->Buffer()->GetBackingStore();
  GuardedRegion region(kPage + 1);
  CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
  CHECK_EQ(engine.Evaluate("before.detached"), int64_t{1});
  CHECK_EQ(engine.Evaluate("memory.buffer.resizable"), int64_t{0});
  CHECK_EQ(engine.Evaluate("memory.toFixedLengthBuffer() === memory.buffer"),
           int64_t{1});
  CHECK_EQ(engine.Evaluate("memory.buffer.byteLength"), int64_t{kPage + 1});
  CHECK_EQ(test.memory->SetBackingStore(own), Result::kOk);
  CHECK_EQ(engine.Evaluate("memory.toResizableBuffer().resize(131072);"
                           "memory.buffer.byteLength"),
           int64_t{2 * kPage});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{2});
}

// Stores that the embedder lets V8 allocate are as good as its own.
TEST(StoresOfTheAllocator) {
  Shared test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> instance = test.Instantiate();
  std::shared_ptr<v8::BackingStore> store =
      v8::ArrayBuffer::NewBackingStore(engine.isolate(), 3 * kPage);
  static_cast<uint8_t*>(store->Data())[0] = 42;
  CHECK_EQ(test.memory->SetBackingStore(store), Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{42});
  CHECK_EQ(engine.Call(instance, "size"), int64_t{3});
  CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{-1});
}

// An embedder that hands out something over the bytes of a memory hears when it
// has to take that back.
TEST(TellsWhichBufferWasDetached) {
  static std::vector<v8::Global<v8::ArrayBuffer>> told;
  v8::SetWasmMemoryBufferDetachedCallback(
      [](v8::Isolate* isolate, v8::Local<v8::ArrayBuffer> buffer) {
        CHECK(buffer->WasDetached());
        told.emplace_back(isolate, buffer);
      });
  {
    Shared test;
    Engine& engine = test.engine;
    v8::Local<v8::Object> instance = test.Instantiate();
    GuardedRegion region(kPage);
    // Nobody has a buffer yet.
    CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{1});
    CHECK_EQ(told.size(), size_t{0});
    const std::vector<std::function<void()>> changes = {
        [&] { CHECK_EQ(engine.Call(instance, "grow", 1), int64_t{2}); },
        [&] { CHECK_EQ(engine.Call(instance, "grow", 0), int64_t{3}); },
        [&] { CHECK_EQ(engine.Evaluate("memory.grow(1)"), int64_t{3}); },
        [&] {
          CHECK_EQ(test.memory->SetBackingStore(Store(region)), Result::kOk);
        },
    };
    for (const std::function<void()>& change : changes) {
      v8::Local<v8::ArrayBuffer> buffer = test.memory->Buffer();
      // Failing changes nothing.
      CHECK_EQ(engine.Call(instance, "grow", 100), int64_t{-1});
      CHECK_EQ(told.size(), size_t{0});
      change();
      CHECK_EQ(told.size(), size_t{1});
      CHECK(!told.empty() && told[0] == buffer);
      told.clear();
    }
    told.clear();
  }
  v8::SetWasmMemoryBufferDetachedCallback(nullptr);
}
