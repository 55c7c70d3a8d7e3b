// Serialized modules. Runs with --no-wasm-native-module-cache, so that nothing
// but the serialized bytes can be what is deserialized, and with optimized code
// at compile time, as that is what is serialized.

#include <vector>

#include "check.h"
#include "engine.h"
#include "windows.h"

namespace {

std::vector<uint8_t> Serialize(const char* name) {
  Engine engine;
  v8::OwnedBuffer cached =
      engine.Compile(name)->GetCompiledModule().Serialize();
  return {cached.buffer.get(), cached.buffer.get() + cached.size};
}

}  // namespace

// The code comes from another isolate, which is gone.
TEST(DeserializedCodeWorksOnTheEmbeddersBytes) {
  const std::vector<uint8_t> cached = Serialize("imported-memory");
  Engine engine;
  v8::Local<v8::WasmModuleObject> module;
  CHECK(engine.Deserialize("imported-memory", {cached.data(), cached.size()})
            .ToLocal(&module));
  if (module.IsEmpty())
    return;
  Windows windows(engine, {1, 2});
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "memory", engine.NewMemory("{initial: 1}"));
  engine.Set(env, "next",
             engine.NewFunction([&](const auto&) { windows.Next(); }));
  v8::Local<v8::Object> imports = engine.NewObject();
  engine.Set(imports, "env", env);
  v8::Local<v8::Object> instance =
      engine.Instantiate(module, imports).ToLocalChecked();
  // Nothing is left to compile.
  CHECK_EQ(engine.Tier(engine.Export(instance, "around_call")), "turbofan");
  windows.Attach(instance);
  windows.Rewind();
  CHECK_EQ(engine.Call(instance, "around_call", 0), int64_t{12});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage - 4}), int64_t{0});
  CHECK_EQ(engine.Call(instance, "load", int{2 * kPage - 3}), kOutOfBounds);
}

TEST(BrokenBytesAreNotAccepted) {
  std::vector<uint8_t> cached = Serialize("imported-memory");
  Engine engine;
  CHECK(!cached.empty());
  CHECK(engine.Deserialize("imported-memory", {cached.data(), 4}).IsEmpty());
  cached[0] ^= 0xff;
  CHECK(engine.Deserialize("imported-memory", {cached.data(), cached.size()})
            .IsEmpty());
}
