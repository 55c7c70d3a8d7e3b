#include "raw_pin.h"

#include <dlfcn.h>

namespace rawmem {

namespace {

// Of V8's public API, which Node-API does not pass on: the two
// GetBackingStore(), members that return a std::shared_ptr. A
// `v8::ArrayBuffer*` is the address of a reference, as is a napi_value.
using GetBackingStore = std::shared_ptr<void> (*)(void*);

struct Functions {
  GetBackingStore of_array_buffer = nullptr;
  GetBackingStore of_shared_array_buffer = nullptr;
};

const Functions& Find() {
  static const Functions functions = [] {
    Functions found;
    // std::shared_ptr has to be that of the same C++ library. The parameter of
    // this function tells; a result would not.
    if (dlsym(RTLD_DEFAULT,
              "_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_"
              "12BackingStoreEE") != nullptr) {
      found.of_array_buffer = reinterpret_cast<GetBackingStore>(
          dlsym(RTLD_DEFAULT, "_ZN2v811ArrayBuffer15GetBackingStoreEv"));
      found.of_shared_array_buffer = reinterpret_cast<GetBackingStore>(
          dlsym(RTLD_DEFAULT, "_ZN2v817SharedArrayBuffer15GetBackingStoreEv"));
    }
    return found;
  }();
  return functions;
}

}  // namespace

bool BackingStorePin::Available() {
  const Functions& functions = Find();
  return functions.of_array_buffer != nullptr &&
         functions.of_shared_array_buffer != nullptr;
}

void BackingStorePin::Reset(napi_env env, napi_value source) {
  bool is_array_buffer = false;
  napi_is_arraybuffer(env, source, &is_array_buffer);
  const Functions& functions = Find();
  store_ = is_array_buffer ? functions.of_array_buffer(source)
                           : functions.of_shared_array_buffer(source);
}

}  // namespace rawmem
