// Hot code: 'dynamic' modules are optimized, 'baseline' modules never are. Runs
// with a small --wasm-tiering-budget and --wasm-sync-tier-up. Belongs to the
// tiering patch.

#include <string>

#include "check.h"
#include "engine.h"

namespace {

std::string TierWhenHot(Engine& engine, const std::string& options) {
  const std::vector<uint8_t> bytes = Engine::ModuleBytes("spin");
  v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(engine.isolate(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(buffer->Data()));
  engine.SetGlobal("bytes", buffer);
  CHECK_EQ(engine.Evaluate("spin = new WebAssembly.Instance("
                           "  new WebAssembly.Module(bytes, " +
                           options +
                           ")).exports.spin;"
                           "for (let i = 0; i < 100; ++i) spin(10000)"),
           int64_t{10000});
  return engine.Tier(
      engine.Get(engine.context()->Global(), "spin").As<v8::Function>());
}

}  // namespace

TEST(DynamicModulesAreOptimized) {
  Engine engine;
  CHECK_EQ(TierWhenHot(engine, "{tiering: 'dynamic'}"), "turbofan");
}

TEST(BaselineModulesAreNot) {
  Engine engine;
  CHECK_EQ(TierWhenHot(engine, "{tiering: 'baseline'}"), "liftoff");
}
