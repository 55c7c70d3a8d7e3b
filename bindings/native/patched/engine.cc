#include "engine.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "memory_buffer.h"
#include "platform.h"
#include "v8-initialization.h"
#include "v8-wasm-memory-buffer.h"

namespace rawmem {

namespace {

Platform* Initialize() {
  // Threads that Node started long ago run code of this engine, and could not
  // read pages under a protection key that is allocated now.
  v8::V8::SetFlagsFromString("--no-memory-protection-keys");
  if (const char* flags = std::getenv("V8_RAWMEM_FLAGS")) {
    v8::V8::SetFlagsFromString(flags);
  }
  const int threads =
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 2, 4);
  auto* platform = new Platform(v8::platform::NewDefaultPlatform(threads));
  v8::V8::InitializePlatform(platform);
  v8::V8::Initialize();
  v8::SetWasmMemoryBufferDetachedCallback(BufferAliases::OnDetached);
  return platform;
}

}  // namespace

Platform* Engine() {
  static std::once_flag once;
  static Platform* platform = nullptr;
  std::call_once(once, [] { platform = Initialize(); });
  return platform;
}

}  // namespace rawmem
