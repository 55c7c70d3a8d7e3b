// With --wasm-trap-handler V8 is as upstream: code relies on guard regions, and
// memory of the embedder, which has none, is refused. Belongs to the patch of
// that flag.

#include <memory>
#include <string>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "v8-initialization.h"
#include "windows.h"

using Result = v8::WasmRawMemoryResult;

namespace {

std::shared_ptr<v8::BackingStore> Store(GuardedRegion& region) {
  return v8::ArrayBuffer::NewBackingStore(
      region.start(), region.size(), v8::BackingStore::EmptyDeleter, nullptr);
}

}  // namespace

TEST(TheTrapHandlerWorks) {
  Engine engine;
  for (const char* name : {"growable", "limits64"}) {
    v8::Local<v8::Object> instance = engine.Instantiate(name);
    if (std::string(name) == "growable") {
      CHECK_EQ(engine.Call(instance, "load", int{kPage - 1}), int64_t{0});
      CHECK_EQ(engine.Call(instance, "load", int{kPage}), kOutOfBounds);
    } else {
      CHECK_EQ(engine.Call(instance, "load", uint64_t{kPage - 1}), int64_t{0});
      CHECK_EQ(engine.Call(instance, "load", uint64_t{kPage}), kOutOfBounds);
    }
  }
}

TEST(GuardRegionsAreReserved) {
  CHECK(v8::V8::GetWasmMemoryReservationSizeInBytes(
            v8::V8::WasmMemoryType::kMemory32, kPage) > size_t{4} << 30);
  CHECK(v8::V8::GetWasmMemoryReservationSizeInBytes(
            v8::V8::WasmMemoryType::kMemory64, kPage) > size_t{4} << 30);
}

TEST(RawMemoryIsRefused) {
  Engine engine;
  GuardedRegion region(kPage);
  for (const char* name : {"growable", "limits64"}) {
    v8::Local<v8::Object> instance = engine.Instantiate(name);
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), kPage),
             Result::kGuardRegions);
    CHECK_EQ(engine.CallFunction(engine.NewFunction([&](const auto&) {
      v8::SetWasmInstanceRawMemory(instance, region.start(), kPage);
    }),
                                 {}),
             "RangeError: Raw memory: the module was compiled with "
             "--wasm-trap-handler");
    CHECK_EQ(v8::ResetWasmInstanceRawMemory(instance, 0), Result::kOk);
  }
}

TEST(ThereAreNoHostWindows) {
  Engine engine;
  GuardedRegion region(kPage);
  v8::Local<v8::Object> rawmem = engine.NewObject();
  engine.Set(rawmem, "next", engine.NewFunction([](const auto&) {}));
  v8::Local<v8::Object> imports = engine.NewObject();
  engine.Set(imports, "rawmem", rawmem);
  v8::Local<v8::Object> instance =
      engine.Instantiate(engine.Compile("host-windows"), imports)
          .ToLocalChecked();
  CHECK_EQ(v8::SetWasmInstanceWindow(instance, 0, 0, region.start(), kPage),
           Result::kNoHostWindows);
  CHECK_EQ(engine.Call(instance, "load", 1024), int64_t{'s'});
}

TEST(BackingStoresAreRefusedWhereAnInstanceReliesOnGuardRegions) {
  Engine engine;
  GuardedRegion region(2 * kPage);
  v8::Local<v8::WasmMemoryObject> memory =
      engine.NewMemory("{initial: 2, maximum: 2}");
  engine.SetGlobal("memory", memory);
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "memory", memory);
  v8::Local<v8::Object> instance = engine.Instantiate("minimum", env);
  CHECK_EQ(engine.Evaluate("new Uint8Array(memory.buffer)[0] = 7"), int64_t{7});
  CHECK_EQ(memory->SetBackingStore(Store(region)), Result::kGuardRegions);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{7});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage}), kOutOfBounds);
  // The memory's own store has guard regions.
  CHECK_EQ(memory->SetBackingStore(memory->Buffer()->GetBackingStore()),
           Result::kOk);
  CHECK_EQ(engine.Call(instance, "load", 0), int64_t{7});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage}), kOutOfBounds);
}

// A memory that nobody uses may have any store, but then nobody can import it.
TEST(MemoryOfTheEmbedderDoesNotLink) {
  Engine engine;
  GuardedRegion region(2 * kPage);
  v8::Local<v8::WasmMemoryObject> memory = engine.NewMemory("{initial: 2}");
  CHECK_EQ(memory->SetBackingStore(Store(region)), Result::kOk);
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "memory", memory);
  v8::Local<v8::Object> imports = engine.NewObject();
  engine.Set(imports, "env", env);
  engine.SetGlobal("imports", imports);
  engine.SetGlobal("module", engine.Compile("minimum"));
  CHECK_EQ(engine.Evaluate("new WebAssembly.Instance(module, imports)"),
           "LinkError: WebAssembly.Instance(): Import #0 \"env\" \"memory\": "
           "the module was compiled with --wasm-trap-handler, but the memory "
           "import has no guard regions");
}
