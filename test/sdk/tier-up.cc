// Hot code: 'dynamic' modules are optimized, 'baseline' modules never are. Runs
// with a small --wasm-tiering-budget. Belongs to the tiering patch.

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "engine.h"

namespace {

// Calls a function until it is optimized, or long enough to be sure that it
// will not be. Optimizing is done in the background.
std::string TierWhenHot(Engine& engine,
                        const std::string& options,
                        std::chrono::milliseconds patience) {
  const std::vector<uint8_t> bytes = Engine::ModuleBytes("spin");
  v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(engine.isolate(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(buffer->Data()));
  engine.SetGlobal("bytes", buffer);
  CHECK_EQ(engine.Evaluate("spin = new WebAssembly.Instance("
                           "  new WebAssembly.Module(bytes, " +
                           options + ")).exports.spin; spin(1)"),
           int64_t{1});
  v8::Local<v8::Function> spin =
      engine.Get(engine.context()->Global(), "spin").As<v8::Function>();
  CHECK_EQ(engine.Tier(spin), "liftoff");
  const auto end = std::chrono::steady_clock::now() + patience;
  do {
    CHECK_EQ(engine.Evaluate("for (let i = 0; i < 10; ++i) spin(1000)"),
             int64_t{1000});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  } while (engine.Tier(spin) == "liftoff" &&
           std::chrono::steady_clock::now() < end);
  return engine.Tier(spin);
}

}  // namespace

TEST(DynamicModulesAreOptimized) {
  Engine engine;
  CHECK_EQ(TierWhenHot(engine, "{tiering: 'dynamic'}",
                       std::chrono::milliseconds(30'000)),
           "turbofan");
}

TEST(BaselineModulesAreNot) {
  Engine engine;
  CHECK_EQ(TierWhenHot(engine, "{tiering: 'baseline'}",
                       std::chrono::milliseconds(300)),
           "liftoff");
}
