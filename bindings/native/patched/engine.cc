#include "engine.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "memory_buffer.h"
#include "platform.h"
#include "v8-initialization.h"
#include "v8-wasm-memory-buffer.h"

namespace rawmem {

namespace {

constexpr const char* kFlags = "V8_RAWMEM_FLAGS";

struct Outcome {
  Platform* platform = nullptr;
  std::string refusal;
};

// Gives the first flag that V8 does not take. Empty if it takes all.
std::string SetFlags(const char* text) {
  std::istringstream words(text);
  std::vector<std::string> flags{kFlags};
  for (std::string flag; words >> flag;) {
    flags.push_back(flag);
  }
  std::vector<char*> arguments;
  for (std::string& flag : flags) {
    arguments.push_back(flag.data());
  }
  int count = static_cast<int>(arguments.size());
  // Leaves the name, and what it does not take.
  v8::V8::SetFlagsFromCommandLine(&count, arguments.data(), true);
  return count > 1 ? arguments[1] : "";
}

Outcome Initialize() {
  // Threads that Node started long ago run code of this engine, and could not
  // read pages under a protection key that is allocated now.
  v8::V8::SetFlagsFromString("--no-memory-protection-keys");
  if (const char* flags = std::getenv(kFlags)) {
    const std::string unknown = SetFlags(flags);
    if (!unknown.empty()) {
      return {nullptr, std::string(kFlags) + " has '" + unknown +
                           "', which V8 " + v8::V8::GetVersion() +
                           " does not take; " + kFlags +
                           "=--help lists its flags"};
    }
  }
  const int threads =
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 2, 4);
  auto* platform = new Platform(v8::platform::NewDefaultPlatform(threads));
  v8::V8::InitializePlatform(platform);
  v8::V8::Initialize();
  v8::SetWasmMemoryBufferDetachedCallback(BufferAliases::OnDetached);
  return {platform, {}};
}

const Outcome& Get() {
  static const auto* engines = new Outcome(Initialize());
  return *engines;
}

}  // namespace

Platform* Engine() {
  return Get().platform;
}

const std::string& EngineRefusal() {
  return Get().refusal;
}

}  // namespace rawmem
