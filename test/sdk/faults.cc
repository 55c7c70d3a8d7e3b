// AddWasmFaultRange: code that touches pages which cannot be accessed traps.

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "engine.h"
#include "v8-wasm-trap-handler-posix.h"

using Result = v8::WasmRawMemoryResult;

namespace {

// Addresses of 32 bits are passed as i32.
constexpr uint32_t kPage = 65536;

void HandleFault(int signal, siginfo_t* info, void* context) {
  if (!v8::TryHandleWebAssemblyTrapPosix(signal, info, context)) {
    _exit(3);
  }
}

// Handlers as an embedder has them, while the object exists.
class FaultHandlers {
 public:
  FaultHandlers() {
    struct sigaction action = {};
    action.sa_sigaction = HandleFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &segv_);
    sigaction(SIGBUS, &action, &bus_);
  }
  ~FaultHandlers() {
    sigaction(SIGSEGV, &segv_, nullptr);
    sigaction(SIGBUS, &bus_, nullptr);
  }

 private:
  struct sigaction segv_ = {};
  struct sigaction bus_ = {};
};

}  // namespace

// A reservation with a hole, attached once.
TEST(Hole) {
  FaultHandlers handlers;
  auto* start =
      static_cast<uint8_t*>(mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(start != MAP_FAILED);
  CHECK_EQ(mprotect(start + kPage, kPage, PROT_NONE), 0);
  CHECK(v8::AddWasmFaultRange(start, 3 * kPage));
  CHECK(!v8::AddWasmFaultRange(start + kPage, kPage));
  {
    Engine engine;
    v8::Local<v8::Object> instance = engine.Instantiate("limits32");
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, start, 3 * kPage),
             Result::kOk);
    start[2 * kPage] = 7;
    for (int i = 0; i < 100; ++i) {
      CHECK_EQ(engine.Call(instance, "load", kPage), kOutOfBounds);
      CHECK_EQ(engine.Call(instance, "load", 2 * kPage - 1), kOutOfBounds);
      CHECK_EQ(engine.Call(instance, "load", 2 * kPage), int64_t{7});
    }
    engine.CollectGarbage();
    CHECK_EQ(engine.Call(instance, "load", 3 * kPage), kOutOfBounds);
  }
  v8::RemoveWasmFaultRange(start, 3 * kPage);
  munmap(start, 3 * kPage);
}

// A file that was cut short.
TEST(File) {
  FaultHandlers handlers;
  const int file = memfd_create("faults", 0);
  CHECK_EQ(ftruncate(file, 2 * kPage), 0);
  auto* start = static_cast<uint8_t*>(
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  CHECK(start != MAP_FAILED);
  CHECK(v8::AddWasmFaultRange(start, 2 * kPage));
  {
    Engine engine;
    v8::Local<v8::Object> instance = engine.Instantiate("limits32");
    CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, start, 2 * kPage),
             Result::kOk);
    CHECK_EQ(engine.Call(instance, "load", kPage), int64_t{0});
    CHECK_EQ(ftruncate(file, kPage), 0);
    CHECK_EQ(engine.Call(instance, "load", kPage), kOutOfBounds);
    CHECK_EQ(engine.Call(instance, "load", kPage - 1), int64_t{0});
  }
  v8::RemoveWasmFaultRange(start, 2 * kPage);
  munmap(start, 2 * kPage);
  close(file);
}
