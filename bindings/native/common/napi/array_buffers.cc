#include "array_buffers.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "exceptions.h"

namespace rawmem {

namespace {

// Of V8's public API, which Node-API does not pass on: members of ArrayBuffer.
// A `v8::ArrayBuffer*` and a `v8::Local<v8::Value>` are the address of a
// reference, as is a napi_value.
//
// markAsUntransferable() of Node 24 and later sets a detach key, without which
// an ArrayBuffer cannot be detached; napi_detach_arraybuffer ends the process
// then, as it does while JavaScript is being terminated.
struct Members {
  bool (*is_detachable)(void* buffer) = nullptr;
  void (*set_detach_key)(void* buffer, void* key) = nullptr;
  // Gives a Maybe<bool>, two bytes.
  uint16_t (*detach)(void* buffer, void* key) = nullptr;
};

template <typename T>
bool FindMember(const char* name, T* member) {
  *member = reinterpret_cast<T>(dlsym(RTLD_DEFAULT, name));
  return *member != nullptr;
}

// Null if this engine has no such members.
const Members* FindMembers() {
  static Members members;
  static const bool found =
      FindMember("_ZNK2v811ArrayBuffer12IsDetachableEv",
                 &members.is_detachable) &&
      FindMember("_ZN2v811ArrayBuffer12SetDetachKeyENS_5LocalINS_5ValueEEE",
                 &members.set_detach_key) &&
      FindMember("_ZN2v811ArrayBuffer6DetachENS_5LocalINS_5ValueEEE",
                 &members.detach);
  return found ? &members : nullptr;
}

// Of what JavaScript may make an ArrayBuffer over. Atomics look at the index
// alone, and an atomic access to an unaligned address is SIGBUS on arm64.
#if defined(__aarch64__)
constexpr uintptr_t kBufferAlignment = 8;
#else
constexpr uintptr_t kBufferAlignment = 1;
#endif

bool IsDetached(napi_env env, napi_value buffer) {
  bool detached = false;
  return napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok ||
         detached;
}

}  // namespace

napi_value CopyToBuffer(napi_env env, const void* data, size_t length) {
  void* copy = nullptr;
  napi_value buffer;
  if (napi_create_arraybuffer(env, length, &copy, &buffer) != napi_ok) {
    return nullptr;
  }
  if (length > 0) {
    std::memcpy(copy, data, length);
  }
  return buffer;
}

napi_value NewExternalBuffer(napi_env env,
                             void* data,
                             size_t length,
                             std::shared_ptr<void> owner) {
  if (reinterpret_cast<uintptr_t>(data) % kBufferAlignment != 0) {
    ThrowRangeError(env,
                    "On this processor, an ArrayBuffer must begin at an "
                    "address that is a multiple of 8, or Atomics would end "
                    "the process. Take one that begins further in front, and "
                    "give its view a byteOffset: "
                    "region.view(Uint8Array, byteOffset)");
    return nullptr;
  }
  auto* kept = new std::shared_ptr<void>(std::move(owner));
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, length,
      [](napi_env, void*, void* hint) {
        delete static_cast<std::shared_ptr<void>*>(hint);
      },
      kept, &buffer);
  if (status == napi_ok) {
    return buffer;
  }
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  // Node has called, or will call, the finalizer if it threw on its own.
  if (!pending) {
    delete kept;
    ThrowError(env, status == napi_no_external_buffers_allowed
                        ? "This runtime allows no external ArrayBuffer"
                        : "The ArrayBuffer could not be created");
  }
  return nullptr;
}

bool DetachOwnBuffer(napi_env env, napi_value buffer) {
  bool is_buffer = false;
  napi_value undefined;
  if (napi_is_arraybuffer(env, buffer, &is_buffer) != napi_ok || !is_buffer ||
      IsDetached(env, buffer) ||
      napi_get_undefined(env, &undefined) != napi_ok) {
    return false;
  }
  const Members* members = FindMembers();
  if (members == nullptr) {
    return napi_detach_arraybuffer(env, buffer) == napi_ok;
  }
  if (!members->is_detachable(buffer)) {
    return false;
  }
  members->set_detach_key(buffer, undefined);
  members->detach(buffer, nullptr);
  return IsDetached(env, buffer);
}

}  // namespace rawmem
