#include "engine-setup.h"

#include <cstdlib>
#include <memory>

#include "check.h"
#include "libplatform/libplatform.h"
#include "v8-initialization.h"

namespace {

Engine* StartEngine() {
  static std::unique_ptr<v8::Platform> platform =
      v8::platform::NewDefaultPlatform();
  SetPlatform(platform.get());
  GetRunOptions().modules = WASM_MODULES;
  // The engine is tested with functions of V8 that scripts call by %.
  v8::V8::SetFlagsFromString("--allow-natives-syntax");
  if (const char* flags = std::getenv("V8_RAWMEM_FLAGS")) {
    v8::V8::SetFlagsFromString(flags);
  }
  v8::V8::InitializePlatform(platform.get());
  v8::V8::Initialize();
  return new Engine;
}

}  // namespace

Engine& SharedEngine() {
  static Engine* const engine = StartEngine();
  return *engine;
}

void RequireNoFailures() {
  if (check::Failures() > 0) {
    std::abort();
  }
}
