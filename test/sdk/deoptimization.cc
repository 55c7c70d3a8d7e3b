// Optimized code that guessed the target of an indirect call wrong goes on in
// Liftoff code, in the middle of a function. That reloads start and size, too.
// Runs with --wasm-tiering-budget=1, --wasm-sync-tier-up and as much inlining
// as there can be. Belongs to the code-generation patch.

#include "check.h"
#include "engine.h"
#include "windows.h"

TEST(GoesOnInTheNewWindow) {
  Engine engine;
  Windows windows(engine, {1, 1, 1});
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next",
             engine.NewFunction([&](const auto&) { windows.Next(); }));
  engine.Set(env, "next_and_throw", engine.NewFunction([](const auto&) {}));
  v8::Local<v8::Object> instance = engine.Instantiate("reload", env);
  windows.Attach(instance);
  auto indirect = [&](int function) {
    windows.Rewind();
    return engine.Call(instance, "indirect", function);
  };
  // One target becomes hot, and is inlined.
  for (int run = 0; run < 8; ++run)
    CHECK_EQ(indirect(1), int64_t{12});
  CHECK_EQ(engine.Tier(engine.Export(instance, "indirect")), "turbofan");
  const int64_t before = *engine.Evaluate("%WasmDeoptsExecutedCount()").value;
  // Another comes.
  CHECK_EQ(indirect(2), int64_t{13});
  CHECK_EQ(engine.Evaluate("%WasmDeoptsExecutedCount()"), before + 1);
  for (int run = 0; run < 8; ++run) {
    CHECK_EQ(indirect(1), int64_t{12});
    CHECK_EQ(indirect(2), int64_t{13});
    CHECK_EQ(indirect(3), int64_t{11});
  }
}
