#include "region.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/napi/array_buffers.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/reference.h"
#include "common/napi/results.h"
#include "common/napi/wrapped_object.h"

namespace rawmem {

namespace {

// What a region's handle, a plain object, wraps.
class RegionHandle {
 public:
  explicit RegionHandle(std::shared_ptr<HostMemory> memory)
      : memory(std::move(memory)) {}
  ~RegionHandle() { Close(); }

  // Tells the garbage collector, which cannot see mapped pages, of so many
  // bytes.
  void Report(napi_env env, int64_t bytes) {
    int64_t total;
    reported_in_ = env;
    reported_ = bytes;
    napi_adjust_external_memory(env, bytes, &total);
  }
  void Close() {
    memory.reset();
    source.Reset();
    if (reported_ != 0) {
      Report(reported_in_, -reported_);
      reported_ = 0;
    }
  }

  std::shared_ptr<HostMemory> memory;  // null once closed
  StrongReference source;              // the borrowed ArrayBuffer

 private:
  napi_env reported_in_ = nullptr;
  int64_t reported_ = 0;
};

bool ThrowOutside(napi_env env) {
  return ThrowRangeError(env, "The bytes lie outside of the HostRegion");
}

// Null if `value` is no region handle.
RegionHandle* Unwrap(napi_env env, napi_value value) {
  return UnwrapObject<RegionHandle>(env, value);
}

bool SourceDetached(napi_env env, const RegionHandle* handle) {
  if (handle->source.is_empty()) {
    return false;
  }
  const napi_value source = handle->source.Value();
  bool detached = false;
  return source == nullptr ||
         (napi_is_detached_arraybuffer(env, source, &detached) == napi_ok &&
          detached);
}

// Makes the JavaScript object that stands for `memory`. Null, with an exception
// pending if JavaScript may still run, on failure.
napi_value NewHandle(napi_env env,
                     std::shared_ptr<HostMemory> memory,
                     napi_value source = nullptr) {
  napi_value object;
  auto handle = std::make_unique<RegionHandle>(std::move(memory));
  if (source != nullptr) {
    handle->source = StrongReference(env, source);
  }
  if (handle->source.is_empty() != (source == nullptr) ||
      napi_create_object(env, &object) != napi_ok ||
      WrapObject(env, object, std::move(handle)) == nullptr) {
    ThrowError(env, "The region's handle could not be created");
    return nullptr;
  }
  return object;
}

// A failed system call, as Node reports it: the negative errno.
napi_value SystemError(napi_env env) {
  return NewNumber(env, -errno);
}

// allocate(byteLength, shareable, guarded): handle, or a negative errno.
// Shareable: the pages can be mapped a second time, at another address.
napi_value Allocate(const Arguments& args) {
  napi_env env = args.env();
  size_t length;
  bool shareable, guarded;
  if (!args.Read("allocate: expected (byteLength, shareable, guarded)", &length,
                 &shareable, &guarded)) {
    return nullptr;
  }
  std::shared_ptr<HostMapping> pages =
      HostMapping::Allocate(length, shareable, guarded);
  if (pages == nullptr) {
    return SystemError(env);
  }
  napi_value object =
      NewHandle(env, std::make_shared<HostMemory>(std::move(pages)));
  if (RegionHandle* handle = Unwrap(env, object)) {
    // Told of them, the collector looks for unreachable regions in time. A
    // sparse reservation counts as no more than the memory there is.
    static const int64_t physical =
        static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) *
        static_cast<int64_t>(sysconf(_SC_PAGESIZE));
    handle->Report(env, std::min(static_cast<int64_t>(length), physical));
  }
  return object;
}

// mapFile(fd, offset, byteLength, writable, shareable, guarded, path): handle,
// or a negative errno. The range lies inside the file; byteLength is not 0.
napi_value MapFile(const Arguments& args) {
  int32_t fd;
  size_t offset, length;
  bool writable, shareable, guarded;
  std::string path;
  if (!args.Read("mapFile: expected (fd, offset, byteLength, writable, "
                 "shareable, guarded, path)",
                 &fd, &offset, &length, &writable, &shareable, &guarded,
                 &path)) {
    return nullptr;
  }
  std::shared_ptr<HostMapping> pages = HostMapping::MapFile(
      fd, offset, length, writable, shareable, guarded, std::move(path));
  return pages == nullptr
             ? SystemError(args.env())
             : NewHandle(args.env(),
                         std::make_shared<HostMemory>(std::move(pages)));
}

// compose(parts, byteLength, guarded): handle, or a negative errno. `parts` is
// handle, byteOffset, byteLength, at, handle, ...: whole pages.
napi_value Compose(const Arguments& args) {
  napi_env env = args.env();
  std::vector<napi_value> values;
  size_t length;
  bool guarded;
  if (!args.Read("compose: expected (parts, byteLength, guarded)", &values,
                 &length, &guarded)) {
    return nullptr;
  }
  std::vector<HostMapping::Part> parts;
  for (size_t i = 0; i + 3 < values.size(); i += 4) {
    size_t offset, part_length, at;
    RegionView view;
    if (!ReadValue(env, values[i + 1], &offset) ||
        !ReadValue(env, values[i + 2], &part_length) ||
        !ReadValue(env, values[i + 3], &at) || at > length ||
        part_length > length - at) {
      ThrowOutside(env);
      return nullptr;
    }
    if (!GetRegion(env, values[i], offset, part_length, &view)) {
      return nullptr;
    }
    const HostMapping* pages = view.memory->pages().get();
    if (pages == nullptr || pages->descriptor() < 0) {
      ThrowTypeError(env,
                     "compose: a part must be a region that can be mapped "
                     "twice: make it with { shareable: true }");
      return nullptr;
    }
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const uint64_t begin = pages->descriptor_offset() + offset;
    if ((begin | part_length | at) % page != 0) {
      ThrowRangeError(env, "compose: a part must be whole pages of " +
                               std::to_string(page) + " bytes; got " +
                               std::to_string(part_length) + " bytes from " +
                               std::to_string(begin) +
                               " of its memory or file, at " +
                               std::to_string(at));
      return nullptr;
    }
    if (pages->backing() == HostMapping::Backing::kPrivateFile &&
        pages->may_be_stored()) {
      ThrowTypeError(env,
                     "compose: a part that maps a file and is not writable may "
                     "have been stored into, which the composed region would "
                     "not show; compose it before its buffer or an attachment "
                     "is made");
      return nullptr;
    }
    parts.push_back({pages, offset, part_length, at});
  }
  std::shared_ptr<HostMapping> pages =
      HostMapping::Compose(parts, length, guarded);
  return pages == nullptr
             ? SystemError(env)
             : NewHandle(env, std::make_shared<HostMemory>(std::move(pages)));
}

// borrow(bytes, source): handle. `bytes` is a Uint8Array over the
// ArrayBuffer or SharedArrayBuffer `source`; Node-API tells a typed array's
// address for both, a SharedArrayBuffer's it does not.
napi_value Borrow(const Arguments& args) {
  napi_env env = args.env();
  constexpr const char* kExpected =
      "borrow: bytes is no Uint8Array over source";
  Bytes bytes;
  napi_value source;
  bool same = false;
  if (!args.Read(kExpected, &bytes, &source)) {
    return nullptr;
  }
  if (napi_strict_equals(env, bytes.buffer, source, &same) != napi_ok ||
      !same) {
    ThrowTypeError(env, kExpected);
    return nullptr;
  }
  // An empty ArrayBuffer may have no address.
  static uint8_t nothing;
  auto* data =
      bytes.data == nullptr || bytes.length == 0 ? &nothing : bytes.data;
  return NewHandle(env, std::make_shared<HostMemory>(data, bytes.length),
                   source);
}

// at(address: bigint, byteLength): handle.
napi_value At(const Arguments& args) {
  Address address;
  size_t length;
  if (!args.Read("at: expected (address, byteLength)", &address, &length)) {
    return nullptr;
  }
  return NewHandle(args.env(),
                   std::make_shared<HostMemory>(std::make_shared<HostMapping>(
                       reinterpret_cast<uint8_t*>(address.value), length)));
}

// share(handle): the name under which `open` finds the bytes on any thread, or
// a negative errno.
napi_value Share(const Arguments& args) {
  napi_env env = args.env();
  RegionHandle* handle = Unwrap(env, args[0]);
  if (handle == nullptr || !handle->memory || !handle->memory->pages()) {
    ThrowTypeError(env,
                   "share: expected the handle of an open, unborrowed region");
    return nullptr;
  }
  const std::string name = HostMapping::Share(handle->memory->pages());
  return name.empty() ? SystemError(env) : NewString(env, name);
}

// open(name): { handle, byteLength }, or undefined if no thread has such bytes
// open.
napi_value Open(const Arguments& args) {
  napi_env env = args.env();
  std::string name;
  if (!args.Read("open: expected (name)", &name)) {
    return nullptr;
  }
  std::shared_ptr<HostMapping> pages = HostMapping::Find(name);
  if (!pages) {
    return nullptr;
  }
  napi_value byte_length = NewNumber(env, static_cast<double>(pages->length()));
  napi_value handle =
      NewHandle(env, std::make_shared<HostMemory>(std::move(pages)));
  napi_value result;
  return handle != nullptr && napi_create_object(env, &result) == napi_ok &&
                 napi_set_named_property(env, result, "handle", handle) ==
                     napi_ok &&
                 napi_set_named_property(env, result, "byteLength",
                                         byte_length) == napi_ok
             ? result
             : nullptr;
}

// buffer(handle, offset, byteLength): a new ArrayBuffer over those bytes. The
// mapping stays until the engine has freed the backing store, wherever
// ArrayBuffer.prototype.transfer may have moved that by then. Not for borrowed
// memory: its owner can go while the new ArrayBuffer lives.
napi_value NewBuffer(const Arguments& args) {
  RegionView view;
  if (!GetRegion(args, 0, &view)) {
    return nullptr;
  }
  if (view.memory->kind() == HostMemory::Kind::kBorrowed) {
    ThrowTypeError(args.env(), "buffer: the memory is borrowed");
    return nullptr;
  }
  view.memory->pages()->set_may_be_stored();
  return NewExternalBuffer(args.env(), view.data, view.length,
                           std::move(view.memory));
}

// detach(buffer): ends an ArrayBuffer made by buffer().
napi_value DetachBuffer(const Arguments& args) {
  return NewBoolean(args.env(), DetachOwnBuffer(args.env(), args[0]));
}

// isDetached(buffer).
napi_value IsDetached(const Arguments& args) {
  bool detached = false;
  napi_is_detached_arraybuffer(args.env(), args[0], &detached);
  return NewBoolean(args.env(), detached);
}

// damaged(handle): the offset of the first page that zeros took the place of,
// or undefined.
napi_value Damaged(const Arguments& args) {
  RegionHandle* handle = Unwrap(args.env(), args[0]);
  if (handle == nullptr || !handle->memory || !handle->memory->pages()) {
    return nullptr;
  }
  const std::optional<size_t> damaged = handle->memory->pages()->damaged();
  return damaged ? NewNumber(args.env(), static_cast<double>(*damaged))
                 : nullptr;
}

// close(handle, buffers): false if the memory is attached. `buffers` are the
// ArrayBuffers handed out that are still reachable.
napi_value Close(const Arguments& args) {
  napi_env env = args.env();
  constexpr const char* kExpected = "close: expected (handle, buffers)";
  napi_value object;
  std::vector<napi_value> buffers;
  if (!args.Read(kExpected, &object, &buffers)) {
    return nullptr;
  }
  RegionHandle* handle = Unwrap(env, object);
  if (handle == nullptr) {
    ThrowTypeError(env, kExpected);
    return nullptr;
  }
  if (!handle->memory) {
    return NewBoolean(env, true);
  }
  if (handle->memory->attached()) {
    return NewBoolean(env, false);
  }
  const long detached = std::count_if(
      buffers.begin(), buffers.end(),
      [&](napi_value buffer) { return DetachOwnBuffer(env, buffer); });
  // Owners left at this point: this handle, and each detached ArrayBuffer
  // until Node gets round to its finalizer. Any further one is a backing store
  // that moved on by transfer(), or one that waits to be swept, or that of an
  // ArrayBuffer which could not be detached, as this thread is being
  // terminated.
  if (handle->memory.use_count() <= 1 + detached) {
    handle->memory->Unmap();
  } else {
    handle->memory->Discard();
  }
  handle->Close();
  return NewBoolean(env, true);
}

}  // namespace

bool GetRegion(napi_env env,
               napi_value object,
               size_t offset,
               size_t length,
               RegionView* view) {
  RegionHandle* handle = Unwrap(env, object);
  if (handle == nullptr) {
    return ThrowTypeError(env, "Expected the handle of a HostRegion");
  }
  if (!handle->memory) {
    return ThrowTypeError(env, "The HostRegion is closed");
  }
  if (SourceDetached(env, handle)) {
    return ThrowTypeError(
        env, "The ArrayBuffer that the HostRegion borrows has been detached");
  }
  if (offset > handle->memory->length() ||
      length > handle->memory->length() - offset) {
    return ThrowOutside(env);
  }
  view->data = handle->memory->data() + offset;
  view->length = length;
  view->memory = handle->memory;
  return true;
}

bool GetRegion(const Arguments& arguments, size_t first, RegionView* view) {
  napi_env env = arguments.env();
  size_t offset, length;
  if (!ReadValue(env, arguments[first + 1], &offset) ||
      !ReadValue(env, arguments[first + 2], &length)) {
    return ThrowOutside(env);
  }
  return GetRegion(env, arguments[first], offset, length, view);
}

bool IsRegionDetached(napi_env env, napi_value object) {
  RegionHandle* handle = Unwrap(env, object);
  return handle == nullptr || SourceDetached(env, handle);
}

napi_value GetRegionSource(napi_env env, napi_value object) {
  RegionHandle* handle = Unwrap(env, object);
  return handle == nullptr ? nullptr : handle->source.Value();
}

bool InitRegion(napi_env env, napi_value exports) {
  return DefineFunctionsAs(env, exports, "region",
                           {
                               {"allocate", Call<Allocate>},
                               {"mapFile", Call<MapFile>},
                               {"compose", Call<Compose>},
                               {"borrow", Call<Borrow>},
                               {"at", Call<At>},
                               {"share", Call<Share>},
                               {"open", Call<Open>},
                               {"buffer", Call<NewBuffer>},
                               {"detach", Call<DetachBuffer>},
                               {"isDetached", Call<IsDetached>},
                               {"damaged", Call<Damaged>},
                               {"close", Call<Close>},
                           });
}

}  // namespace rawmem
