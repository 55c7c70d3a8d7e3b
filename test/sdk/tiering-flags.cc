// The process-wide flags --liftoff-only and --no-liftoff rule over the compile
// option {tiering}. Runs with either, and --tier says which. Belongs to the
// tiering patch.

#include <algorithm>
#include <string>

#include "check.h"
#include "engine.h"

TEST(FlagsRuleOverTheOption) {
  Engine engine;
  const std::vector<uint8_t> bytes = Engine::ModuleBytes("spin");
  v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(engine.isolate(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(buffer->Data()));
  engine.SetGlobal("bytes", buffer);
  for (const char* tiering : {"optimize", "dynamic", "baseline"}) {
    CHECK_EQ(
        engine.Evaluate("spin = new WebAssembly.Instance("
                        "  new WebAssembly.Module(bytes, {tiering: '" +
                        std::string(tiering) + "'})).exports.spin; spin(10)"),
        int64_t{10});
    CHECK_EQ(
        engine.Tier(
            engine.Get(engine.context()->Global(), "spin").As<v8::Function>()),
        GetRunOptions().tier);
  }
}
