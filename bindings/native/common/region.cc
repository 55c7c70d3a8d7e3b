#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/napi/array_buffers.h"
#include "common/napi/native_functions.h"
#include "common/napi/reference.h"
#include "common/napi/tagged_object.h"
#include "fixed_sizes.h"

namespace rawmem {

HostMemory::HostMemory(std::shared_ptr<HostMapping> pages)
    : kind_(pages->backing() == Backing::kForeign ? Kind::kAddress
                                                  : Kind::kMapping),
      backing_(pages->backing()), data_(pages->data()),
      length_(pages->length()), pages_(std::move(pages)) {}

HostMemory::HostMemory(uint8_t *data, size_t length)
    : kind_(Kind::kBorrowed), backing_(Backing::kForeign), data_(data),
      length_(length) {}

void HostMemory::Unmap() { pages_.reset(); }

void HostMemory::Discard() {
  if (pages_) {
    HostMapping::Discard(pages_);
  }
}

RegionLease::RegionLease(std::shared_ptr<HostMemory> memory, bool stores)
    : memory_(std::move(memory)) {
  if (memory_) {
    if (stores && memory_->pages()) {
      memory_->pages()->set_may_be_stored();
    }
    memory_->attachments_.fetch_add(1, std::memory_order_acq_rel);
  }
}

RegionLease::RegionLease(RegionLease &&other) noexcept
    : memory_(std::move(other.memory_)) {}

RegionLease &RegionLease::operator=(RegionLease &&other) noexcept {
  if (this != &other) {
    Reset();
    memory_ = std::move(other.memory_);
  }
  return *this;
}

RegionLease::~RegionLease() { Reset(); }

void RegionLease::Reset() {
  if (memory_) {
    memory_->attachments_.fetch_sub(1, std::memory_order_acq_rel);
    memory_.reset();
  }
}

namespace {

constexpr napi_type_tag kHandleTag = {0x7a4c5d1e0b6f4e92, 0x9d3a61c8f2e7b054};

// What a region's handle, a plain tagged object, wraps.
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

  std::shared_ptr<HostMemory> memory; // null once closed
  StrongReference source;             // the borrowed ArrayBuffer

private:
  napi_env reported_in_ = nullptr;
  int64_t reported_ = 0;
};

void ThrowType(napi_env env, const char *message) {
  napi_throw_type_error(env, nullptr, message);
}

void ThrowOutside(napi_env env) {
  napi_throw_range_error(env, nullptr,
                         "The bytes lie outside of the HostRegion");
}

// Null if `value` is no region handle.
RegionHandle *Unwrap(napi_env env, napi_value value) {
  return UnwrapTagged<RegionHandle>(env, kHandleTag, value);
}

bool GetSize(napi_env env, napi_value value, size_t *size) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok ||
      !(number >= 0 && number <= kMaxExactInteger) ||
      number != std::floor(number)) {
    return false;
  }
  *size = static_cast<size_t>(number);
  return true;
}

bool SourceDetached(napi_env env, const RegionHandle *handle) {
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
napi_value NewHandle(napi_env env, std::shared_ptr<HostMemory> memory,
                     napi_value source = nullptr) {
  napi_value object;
  auto handle = std::make_unique<RegionHandle>(std::move(memory));
  if (source != nullptr) {
    handle->source = StrongReference(env, source);
  }
  if (handle->source.is_empty() != (source == nullptr) ||
      napi_create_object(env, &object) != napi_ok ||
      WrapTagged(env, object, kHandleTag, std::move(handle)) == nullptr) {
    napi_throw_error(env, nullptr, "The region's handle could not be created");
    return nullptr;
  }
  return object;
}

// The arguments of a call, undefined where there are fewer. False on failure.
template <size_t kCount>
bool GetArguments(napi_env env, napi_callback_info info,
                  napi_value (&args)[kCount]) {
  size_t count = kCount;
  return napi_get_cb_info(env, info, &count, args, nullptr, nullptr) == napi_ok;
}

napi_value Boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

size_t PageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// A failed system call, as Node reports it: the negative errno. Closes
// `descriptor`, if there is one.
napi_value SystemError(napi_env env, int descriptor = -1) {
  const int error = errno;
  if (descriptor >= 0) {
    close(descriptor);
  }
  napi_value result = nullptr;
  napi_create_int32(env, -error, &result);
  return result;
}

// allocate(byteLength, shareable): handle, or a negative errno. Shareable: the
// pages can be mapped a second time, at another address.
napi_value Allocate(napi_env env, napi_callback_info info) {
  napi_value args[2];
  size_t length;
  bool shareable;
  if (!GetArguments(env, info, args) || !GetSize(env, args[0], &length) ||
      napi_get_value_bool(env, args[1], &shareable) != napi_ok) {
    ThrowType(env, "allocate: expected (byteLength, shareable)");
    return nullptr;
  }
  // An empty region has an address of its own too, so that nobody downstream
  // has to think about null.
  size_t mapping_length = std::max<size_t>(length, 1);
  int descriptor = -1;
  if (shareable) {
    descriptor = memfd_create("v8-rawmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) {
      return SystemError(env);
    }
    // Sealed, since the descriptor is in /proc for all of the process to open,
    // and an access to pages beyond the end of a file ends the process.
    if (ftruncate(descriptor, static_cast<off_t>(mapping_length)) != 0 ||
        fcntl(descriptor, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
      return SystemError(env, descriptor);
    }
  }
  void *mapping = mmap(nullptr, mapping_length, PROT_READ | PROT_WRITE,
                       (shareable ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) |
                           MAP_NORESERVE,
                       descriptor, 0);
  if (mapping == MAP_FAILED) {
    return SystemError(env, descriptor);
  }
  // Only advice: fewer page faults while filling, fewer TLB misses in a scan.
  madvise(mapping, mapping_length, MADV_HUGEPAGE);
  auto pages = std::make_shared<HostMapping>(HostMapping::Backing::kAnonymous,
                                             static_cast<uint8_t *>(mapping),
                                             length, mapping, mapping_length);
  pages->KeepDescriptor(descriptor, 0);
  napi_value object =
      NewHandle(env, std::make_shared<HostMemory>(std::move(pages)));
  if (RegionHandle *handle = Unwrap(env, object)) {
    // Told of them, the collector looks for unreachable regions in time. A
    // sparse reservation counts as no more than the memory there is.
    static const int64_t physical =
        static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) *
        static_cast<int64_t>(PageSize());
    handle->Report(env, std::min(static_cast<int64_t>(length), physical));
  }
  return object;
}

// mapFile(fd, offset, byteLength, writable, shareable): handle, or a negative
// errno. The range lies inside the file; byteLength is not 0.
napi_value MapFile(napi_env env, napi_callback_info info) {
  napi_value args[5];
  int32_t fd;
  size_t offset, length;
  bool writable, shareable;
  if (!GetArguments(env, info, args) ||
      napi_get_value_int32(env, args[0], &fd) != napi_ok ||
      !GetSize(env, args[1], &offset) || !GetSize(env, args[2], &length) ||
      napi_get_value_bool(env, args[3], &writable) != napi_ok ||
      napi_get_value_bool(env, args[4], &shareable) != napi_ok) {
    ThrowType(env, "mapFile: expected (fd, offset, byteLength, writable, "
                   "shareable)");
    return nullptr;
  }
  int descriptor = -1;
  if (shareable) {
    descriptor = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) {
      return SystemError(env);
    }
  }
  size_t lead = offset % PageSize();
  // A read-only mapping would turn a store in WebAssembly into a fault that
  // ends the process. Copy-on-write lets it store and leaves the file alone;
  // NORESERVE, because the file may be larger than memory.
  void *mapping = mmap(nullptr, lead + length, PROT_READ | PROT_WRITE,
                       writable ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, fd,
                       static_cast<off_t>(offset - lead));
  if (mapping == MAP_FAILED) {
    return SystemError(env, descriptor);
  }
  auto pages = std::make_shared<HostMapping>(
      writable ? HostMapping::Backing::kSharedFile
               : HostMapping::Backing::kPrivateFile,
      static_cast<uint8_t *>(mapping) + lead, length, mapping, lead + length);
  pages->KeepDescriptor(descriptor, offset);
  return NewHandle(env, std::make_shared<HostMemory>(std::move(pages)));
}

// borrow(bytes, source): handle. `bytes` is a Uint8Array over the
// ArrayBuffer or SharedArrayBuffer `source`; Node-API tells a typed array's
// address for both, a SharedArrayBuffer's it does not.
napi_value Borrow(napi_env env, napi_callback_info info) {
  napi_value args[2];
  napi_typedarray_type type;
  size_t length;
  void *data;
  napi_value buffer;
  bool same = false;
  if (!GetArguments(env, info, args) ||
      napi_get_typedarray_info(env, args[0], &type, &length, &data, &buffer,
                               nullptr) != napi_ok ||
      type != napi_uint8_array ||
      napi_strict_equals(env, buffer, args[1], &same) != napi_ok || !same) {
    ThrowType(env, "borrow: bytes is no Uint8Array over source");
    return nullptr;
  }
  // An empty ArrayBuffer may have no address.
  static uint8_t nothing;
  auto *bytes =
      data == nullptr || length == 0 ? &nothing : static_cast<uint8_t *>(data);
  return NewHandle(env, std::make_shared<HostMemory>(bytes, length), args[1]);
}

// at(address: bigint, byteLength): handle.
napi_value At(napi_env env, napi_callback_info info) {
  napi_value args[2];
  uint64_t address;
  bool lossless = false;
  size_t length;
  if (!GetArguments(env, info, args) ||
      napi_get_value_bigint_uint64(env, args[0], &address, &lossless) !=
          napi_ok ||
      !lossless || !GetSize(env, args[1], &length)) {
    ThrowType(env, "at: expected (address, byteLength)");
    return nullptr;
  }
  return NewHandle(
      env, std::make_shared<HostMemory>(std::make_shared<HostMapping>(
               HostMapping::Backing::kForeign,
               reinterpret_cast<uint8_t *>(address), length, nullptr, 0)));
}

// share(handle): the name under which `open` finds the bytes on any thread, or
// a negative errno.
napi_value Share(napi_env env, napi_callback_info info) {
  napi_value args[1];
  RegionHandle *handle =
      GetArguments(env, info, args) ? Unwrap(env, args[0]) : nullptr;
  if (handle == nullptr || !handle->memory || !handle->memory->pages()) {
    ThrowType(env, "share: expected the handle of an open, unborrowed region");
    return nullptr;
  }
  const std::string name = HostMapping::Share(handle->memory->pages());
  if (name.empty()) {
    return SystemError(env);
  }
  napi_value result = nullptr;
  napi_create_string_utf8(env, name.data(), name.size(), &result);
  return result;
}

// open(name): { handle, byteLength }, or undefined if no thread has such bytes
// open.
napi_value Open(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char name[64];
  size_t name_length;
  if (!GetArguments(env, info, args) ||
      napi_get_value_string_utf8(env, args[0], name, sizeof name,
                                 &name_length) != napi_ok) {
    ThrowType(env, "open: expected (name)");
    return nullptr;
  }
  std::shared_ptr<HostMapping> pages =
      HostMapping::Find(std::string(name, name_length));
  if (!pages) {
    return nullptr;
  }
  const auto length = static_cast<double>(pages->length());
  napi_value handle =
      NewHandle(env, std::make_shared<HostMemory>(std::move(pages)));
  napi_value result, byte_length;
  return handle != nullptr && napi_create_object(env, &result) == napi_ok &&
                 napi_create_double(env, length, &byte_length) == napi_ok &&
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
napi_value NewBuffer(napi_env env, napi_callback_info info) {
  napi_value args[3];
  RegionView view;
  if (!GetArguments(env, info, args) ||
      !GetRegion(env, args[0], args[1], args[2], &view)) {
    return nullptr;
  }
  if (view.memory->kind() == HostMemory::Kind::kBorrowed) {
    ThrowType(env, "buffer: the memory is borrowed");
    return nullptr;
  }
  view.memory->pages()->set_may_be_stored();
  return NewExternalBuffer(env, view.data, view.length, std::move(view.memory));
}

// detach(buffer): ends an ArrayBuffer made by buffer().
napi_value DetachBuffer(napi_env env, napi_callback_info info) {
  napi_value args[1];
  return GetArguments(env, info, args)
             ? Boolean(env, DetachOwnBuffer(env, args[0]))
             : nullptr;
}

// isDetached(buffer).
napi_value IsDetached(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bool detached = false;
  if (!GetArguments(env, info, args)) {
    return nullptr;
  }
  napi_is_detached_arraybuffer(env, args[0], &detached);
  return Boolean(env, detached);
}

// close(handle, buffers): false if the memory is attached. `buffers` are the
// ArrayBuffers handed out that are still reachable.
napi_value Close(napi_env env, napi_callback_info info) {
  napi_value args[2];
  uint32_t count;
  RegionHandle *handle =
      GetArguments(env, info, args) ? Unwrap(env, args[0]) : nullptr;
  if (handle == nullptr ||
      napi_get_array_length(env, args[1], &count) != napi_ok) {
    ThrowType(env, "close: expected (handle, buffers)");
    return nullptr;
  }
  if (!handle->memory) {
    return Boolean(env, true);
  }
  if (handle->memory->attached()) {
    return Boolean(env, false);
  }
  long detached = 0;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value buffer;
    if (napi_get_element(env, args[1], i, &buffer) == napi_ok &&
        DetachOwnBuffer(env, buffer)) {
      ++detached;
    }
  }
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
  return Boolean(env, true);
}

} // namespace

bool GetRegion(napi_env env, napi_value object, size_t offset, size_t length,
               RegionView *view) {
  RegionHandle *handle = Unwrap(env, object);
  if (handle == nullptr) {
    ThrowType(env, "Expected the handle of a HostRegion");
    return false;
  }
  if (!handle->memory) {
    ThrowType(env, "The HostRegion is closed");
    return false;
  }
  if (SourceDetached(env, handle)) {
    ThrowType(env,
              "The ArrayBuffer that the HostRegion borrows has been detached");
    return false;
  }
  if (offset > handle->memory->length() ||
      length > handle->memory->length() - offset) {
    ThrowOutside(env);
    return false;
  }
  view->data = handle->memory->data() + offset;
  view->length = length;
  view->memory = handle->memory;
  return true;
}

bool GetRegion(napi_env env, napi_value object, napi_value offset_value,
               napi_value length_value, RegionView *view) {
  size_t offset, length;
  if (!GetSize(env, offset_value, &offset) ||
      !GetSize(env, length_value, &length)) {
    ThrowOutside(env);
    return false;
  }
  return GetRegion(env, object, offset, length, view);
}

bool IsRegionDetached(napi_env env, napi_value object) {
  RegionHandle *handle = Unwrap(env, object);
  return handle == nullptr || SourceDetached(env, handle);
}

napi_value GetRegionSource(napi_env env, napi_value object) {
  RegionHandle *handle = Unwrap(env, object);
  return handle == nullptr ? nullptr : handle->source.Value();
}

bool InitRegion(napi_env env, napi_value exports) {
  return DefineFunctionsAs(env, exports, "region",
                           {
                               {"allocate", Allocate},
                               {"mapFile", MapFile},
                               {"borrow", Borrow},
                               {"at", At},
                               {"share", Share},
                               {"open", Open},
                               {"buffer", NewBuffer},
                               {"detach", DetachBuffer},
                               {"isDetached", IsDetached},
                               {"close", Close},
                           });
}

} // namespace rawmem
