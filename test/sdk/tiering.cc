// The first tier of a module: by the size of its code, unless the compile
// option {tiering} says otherwise.

#include <string>

#include "check.h"
#include "engine.h"

namespace {

// Compiles <name>.wasm with JavaScript's options, calls its function `spin` and
// says of which tier it is then.
std::string TierAfterCalls(Engine& engine,
                           const std::string& name,
                           const std::string& options,
                           int calls) {
  v8::HandleScope scope(engine.isolate());
  const std::vector<uint8_t> bytes = Engine::ModuleBytes(name);
  v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(engine.isolate(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(buffer->Data()));
  engine.SetGlobal("bytes", buffer);
  CHECK_EQ(engine.Evaluate("spin = new WebAssembly.Instance("
                           "  new WebAssembly.Module(bytes" +
                           options + ")).exports.spin; 0"),
           int64_t{0});
  for (int i = 0; i < calls; ++i) {
    CHECK_EQ(engine.Evaluate("spin(100000)"), int64_t{100000});
  }
  return engine.Tier(
      engine.Get(engine.context()->Global(), "spin").As<v8::Function>());
}

}  // namespace

TEST(SmallModulesAreOptimizedAtOnce) {
  Engine engine;
  CHECK_EQ(TierAfterCalls(engine, "spin", "", 1), "turbofan");
}

TEST(LargeModulesStartInLiftoff) {
  Engine engine;
  CHECK_EQ(TierAfterCalls(engine, "large", "", 1), "liftoff");
}

TEST(TheOptionDecides) {
  Engine engine;
  for (const char* name : {"spin", "large"}) {
    CHECK_EQ(TierAfterCalls(engine, name, ", {tiering: 'optimize'}", 1),
             "turbofan");
    CHECK_EQ(TierAfterCalls(engine, name, ", {tiering: 'dynamic'}", 1),
             "liftoff");
    CHECK_EQ(TierAfterCalls(engine, name, ", {tiering: 'baseline'}", 1),
             "liftoff");
  }
}

// The same bytes with another option are another module, also while V8 still
// holds the code of the first.
TEST(TheOptionIsPartOfTheModulesIdentity) {
  Engine first;
  Engine second;
  // Both isolates exist; the scopes of the second are entered.
  CHECK_EQ(TierAfterCalls(second, "spin", ", {tiering: 'baseline'}", 1),
           "liftoff");
  CHECK_EQ(TierAfterCalls(second, "spin", ", {tiering: 'optimize'}", 1),
           "turbofan");
  CHECK_EQ(TierAfterCalls(second, "spin", ", {tiering: 'baseline'}", 1),
           "liftoff");
}
