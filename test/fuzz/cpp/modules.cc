// Any bytes are a module or a CompileError. What is a module can be serialized,
// and instantiated or refused.

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>

#include "check.h"
#include "engine-setup.h"
#include "v8-exception.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static int runs = 0;
  Engine& engine = SharedEngine();
  v8::HandleScope scope(engine.isolate());
  {
    v8::TryCatch try_catch(engine.isolate());
    v8::Local<v8::WasmModuleObject> module;
    if (v8::WasmModuleObject::Compile(engine.isolate(), {bytes, size})
            .ToLocal(&module)) {
      CHECK(!try_catch.HasCaught());
      v8::CompiledWasmModule compiled = module->GetCompiledModule();
      CHECK_EQ(compiled.GetWireBytesRef().size(), size);
      compiled.Serialize();
      // It may ask for imports, or run out of memory; it may not crash.
      if (engine.Instantiate(module, engine.NewObject()).IsEmpty()) {
        CHECK(try_catch.HasCaught());
      }
    } else {
      CHECK(try_catch.HasCaught());
    }
  }
  RequireNoFailures();
  if (++runs % 500 == 0) {
    engine.CollectGarbage();
  }
  return 0;
}
