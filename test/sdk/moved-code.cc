// Code that was written for a private fork of an older V8.

#include <thread>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

// Older forks have instances as modules.
TEST(InstancesAsModules) {
  Engine engine;
  v8::Local<v8::WasmModuleObject> instance =
      engine.Instantiate("limits32").As<v8::WasmModuleObject>();
  GuardedRegion region(65536);
  v8::SetWasmInstanceRawMemory(instance, region.start(), region.size());
  region.start()[5] = 42;
  CHECK_EQ(engine.Call(instance, "load", 5), int64_t{42});
  // A module itself is none.
  v8::TryCatch try_catch(engine.isolate());
  v8::SetWasmInstanceRawMemory(engine.Compile("limits32"), region.start(),
                               region.size());
  CHECK(try_catch.HasCaught());
}

// Threads take turns with one isolate and one instance.
TEST(Locker) {
  Engine engine(0, Engine::Threads::kLocking);
  v8::Isolate* isolate = engine.isolate();
  v8::HandleScope scope(isolate);
  v8::Global<v8::Object> instance(isolate, engine.Instantiate("limits32"));
  GuardedRegion region(65536);
  GuardedRegion other(65536);
  region.start()[5] = 42;
  other.start()[5] = 43;
  v8::SetWasmInstanceRawMemory(instance.Get(isolate), region.start(),
                               region.size());
  CHECK_EQ(engine.Call(instance.Get(isolate), "load", 5), int64_t{42});
  std::thread thread([&] {
    v8::Locker locker(isolate);
    v8::Isolate::Scope isolate_scope(isolate);
    v8::HandleScope inner_scope(isolate);
    v8::Context::Scope context_scope(engine.context());
    CHECK_EQ(engine.Call(instance.Get(isolate), "load", 5), int64_t{42});
    v8::SetWasmInstanceRawMemory(instance.Get(isolate), other.start(),
                                 other.size());
    CHECK_EQ(engine.Call(instance.Get(isolate), "load", 5), int64_t{43});
  });
  {
    v8::Unlocker unlocker(isolate);
    thread.join();
  }
  CHECK_EQ(engine.Call(instance.Get(isolate), "load", 5), int64_t{43});
}
