// What bindings/backends/node-rewire/ calls.

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/napi/arguments.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "node_backends.h"
#include "rewire_target.h"
#include "rewired_pages.h"

namespace rawmem {

namespace {

// Does on a mapping of its own what attaching and detaching will do. Empty if
// that works, otherwise what does not.
std::string SelfTest() {
  const size_t page = RewiredPages::PageSize();
  const size_t length = 4 * page;
  const int descriptor = memfd_create("v8-rawmem", MFD_CLOEXEC);
  if (descriptor < 0 ||
      ftruncate(descriptor, static_cast<off_t>(length)) != 0) {
    const std::string reason = std::strerror(errno);
    if (descriptor >= 0) {
      close(descriptor);
    }
    return "the system gives no memory by memfd_create: " + reason;
  }
  void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  void* region =
      mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  std::string result;
  if (memory == MAP_FAILED || region == MAP_FAILED) {
    result = std::string("the system maps no memory: ") + std::strerror(errno);
  } else {
    auto* own = static_cast<uint8_t*>(memory);
    auto* host = static_cast<uint8_t*>(region);
    std::memset(own, 1, length);
    std::memset(host, 2, length);
    RewiredPages pages;
    int error = pages.Map(own, 3 * page, descriptor, page, true);
    if (error == 0) {
      own[0] = 3;
      const bool aliased =
          host[page] == 3 && own[3 * page - 1] == 2 && own[3 * page] == 1;
      error = pages.Unmap();
      if (error == 0 && !(aliased && own[0] == 1 && own[3 * page - 1] == 1)) {
        result = "pages mapped over others do not show what they should";
      }
    }
    if (error != 0) {
      result = std::string(
                   "the system does not move pages as Linux 5.7 and later do "
                   "(mremap, MREMAP_DONTUNMAP): ") +
               std::strerror(error);
    }
  }
  if (memory != MAP_FAILED) {
    munmap(memory, length);
  }
  if (region != MAP_FAILED) {
    munmap(region, length);
  }
  close(descriptor);
  return result;
}

// selfTest(): undefined, or why this system cannot do it.
napi_value SelfTestFunction(const Arguments& args) {
  const std::string reason = SelfTest();
  return reason.empty() ? nullptr : NewString(args.env(), reason);
}

// target(memory, bufferOf, window), where `window` may be undefined.
napi_value Target(const Arguments& args) {
  std::optional<uint32_t> window;
  if (!ReadValue(args.env(), args[2], &window)) {
    ThrowTypeError(args.env(), "target: expected (memory, bufferOf, window)");
    return nullptr;
  }
  auto target = std::make_unique<RewireTarget>(window);
  return target->Initialize(args.env(), args[0], args[1])
             ? WrapTarget(args.env(), std::move(target))
             : nullptr;
}

}  // namespace

bool InitRewire(napi_env env, napi_value exports) {
  return DefineFunctionsAs(
      env, exports, "rewire",
      {{"selfTest", Call<SelfTestFunction>}, {"target", Call<Target>}});
}

}  // namespace rawmem
