#include "rewire_target.h"

#include <errno.h>
#include <sys/stat.h>

#include <cstring>
#include <string>

#include "common/fixed_sizes.h"
#include "common/napi/exceptions.h"
#include "reserved_pages.h"
#include "stored_pages.h"

namespace rawmem {

namespace {

// See bindings/feeder/window-addresses.ts.
constexpr size_t kWindowsBegin = size_t{1} << 31;
constexpr size_t kWindowStride = size_t{1} << 28;
constexpr size_t kWindowsEnd = size_t{1} << 32;

constexpr size_t AddressOf(uint32_t window) {
  return kWindowsBegin + window * kWindowStride;
}

std::unique_ptr<RewiredPages> PagesFor(std::optional<uint32_t> window) {
  return window
             ? std::make_unique<ReservedPages>(kWindowsEnd - AddressOf(*window))
             : std::make_unique<RewiredPages>();
}

bool ThrowSystem(napi_env env, const std::string& what, int error) {
  return ThrowError(env, ("region: the system could not " + what + ": " +
                          std::strerror(error)));
}

// Whether nothing that is not the region's lies behind the window on its last
// page.
bool EndsItsPages(const HostMapping& pages, const RegionView& view) {
  if (pages.backing() == HostMapping::Backing::kPrivateFile) {
    // Stores there are seen by nobody else, and never reach the file.
    return true;
  }
  if (view.data + view.length != pages.data() + pages.length()) {
    return false;
  }
  struct stat status;
  return pages.backing() == HostMapping::Backing::kAnonymous ||
         (fstat(pages.descriptor(), &status) == 0 &&
          static_cast<uint64_t>(status.st_size) <=
              pages.descriptor_offset() + pages.length());
}

}  // namespace

RewireTarget::RewireTarget(std::optional<uint32_t> window)
    : window_(window), pages_(PagesFor(window)) {}

bool RewireTarget::Initialize(napi_env env,
                              napi_value memory,
                              napi_value buffer_of) {
  uint8_t* start;
  size_t length;
  memory_ = WeakReference(env, memory);
  buffer_of_ = StrongReference(env, buffer_of);
  return FindMemory(env, &start, &length);
}

// A memory may have grown since; usually on the spot, but nothing promises
// that.
bool RewireTarget::FindMemory(napi_env env, uint8_t** start, size_t* length) {
  const napi_value memory = memory_.Value();
  napi_value buffer;
  void* data = nullptr;
  if (memory == nullptr) {
    return ThrowTypeError(env, "instance: the memory is gone");
  }
  if (napi_call_function(env, memory, buffer_of_.Value(), 0, nullptr,
                         &buffer) != napi_ok) {
    return false;
  }
  if (napi_get_arraybuffer_info(env, buffer, &data, length) != napi_ok) {
    return ThrowTypeError(
        env, "instance: host memory cannot take the place of a shared memory");
  }
  *start = static_cast<uint8_t*>(data);
  if (window_) {
    *start += AddressOf(*window_);
    *length = kWindowsEnd - AddressOf(*window_);
  }
  if (reinterpret_cast<uintptr_t>(data) % RewiredPages::PageSize() != 0) {
    return ThrowTypeError(env, "instance: the memory does not begin at a page");
  }
  if (shown() && *start != pages_->start()) {
    pages_->FollowTo(*start);
    Forget();
    ThrowError(
        env,
        window_ ? "instance: the engine has moved the memory, and the host "
                  "windows are empty now"
                : "instance: the memory has grown while a region was attached, "
                  "and the engine had to move it: stores since then have not "
                  "reached the region. The memory has its own bytes again; "
                  "declare as initial what it needs");
    return false;
  }
  return true;
}

bool RewireTarget::Show(napi_env env, napi_value, const RegionView& view) {
  uint8_t* start;
  size_t memory_length;
  if (!FindMemory(env, &start, &memory_length)) {
    return false;
  }
  const HostMapping* pages = view.memory->pages().get();
  if (pages == nullptr || pages->backing() == HostMapping::Backing::kComposed ||
      pages->backing() == HostMapping::Backing::kForeign) {
    return ThrowTypeError(
        env,
        "region: the backend 'node-rewire' maps pages, and cannot map those of "
        "a borrowed buffer, of HostRegion.at() or of HostRegion.compose(); use "
        "HostRegion.allocate or mapFile, or the backend 'patched' or "
        "'node-raw'");
  }
  if (pages->descriptor() < 0) {
    return ThrowTypeError(
        env,
        "region: the backend 'node-rewire' needs a region that can be mapped "
        "twice: make it with the HostRegion of openBackend('node-rewire'), or "
        "with { shareable: true }");
  }
  const size_t page_size = RewiredPages::PageSize();
  const uint64_t offset = pages->descriptor_offset() +
                          static_cast<uint64_t>(view.data - pages->data());
  const std::string page = std::to_string(page_size);
  if (offset % page_size != 0) {
    return ThrowRangeError(
        env,
        "region: for the backend 'node-rewire' it must begin at a "
        "multiple of " +
            page + " bytes of its memory or file; it begins at " +
            std::to_string(offset));
  }
  if (view.length > memory_length) {
    return window_
               ? ThrowNoRoom(env, view.length, memory_length)
               : ThrowRangeError(
                     env,
                     "region: for the backend 'node-rewire' the memory must be "
                     "as large as "
                     "the region; it has " +
                         std::to_string(memory_length) + " bytes, the region " +
                         std::to_string(view.length) + ": declare at least " +
                         std::to_string((view.length + kWasmPageSize - 1) /
                                        kWasmPageSize) +
                         " pages as initial");
  }
  if (view.length % page_size != 0 && !EndsItsPages(*pages, view)) {
    return ThrowRangeError(
        env,
        "region: for the backend 'node-rewire' its length must be a "
        "multiple of " +
            page +
            " bytes, or reach to the end of the memory or file that it "
            "is a part of; it is " +
            std::to_string(view.length));
  }
  if (!KeepStores(env)) {
    return false;
  }
  const bool shared = pages->backing() != HostMapping::Backing::kPrivateFile;
  const size_t mapped = (view.length + page_size - 1) / page_size * page_size;
  if (int error =
          pages_->Map(start, mapped, pages->descriptor(), offset, shared)) {
    if (pages_->length() == 0) {
      Forget();
    }
    if (window_ && error == EEXIST) {
      return ThrowNoRoom(env, view.length, memory_length);
    }
    return ThrowSystem(env, "map its pages", error);
  }
  faults_.reset();
  if (mapped != 0 && pages->backing() != HostMapping::Backing::kAnonymous) {
    faults_.emplace(*pages->faults(), start, mapped, view.data);
  }
  if (!shared && pages->may_be_stored()) {
    if (int error = CopyStoredPages(view.data, view.length, start)) {
      pages_->Unmap();
      Forget();
      return ThrowSystem(env, "tell which of its pages were stored into",
                         error);
    }
  }
  lease_ = RegionLease(view.memory, shared);
  keep_shown_stores_ = keep_stores_;
  view_ = {view.data, view.length, nullptr};
  return true;
}

bool RewireTarget::ThrowNoRoom(napi_env env, size_t length, size_t room) const {
  const std::string window = std::to_string(*window_);
  return ThrowRangeError(
      env, "region: window " + window + " has no room for its " +
               std::to_string(length) + " bytes: it has " +
               std::to_string(room) +
               " before addresses end, and 64 KiB between it and the next "
               "window that shows a region, or the own memory, must be free");
}

bool RewireTarget::KeepStores(napi_env env) {
  HostMemory* memory = lease_.get();
  if (memory == nullptr || !keep_shown_stores_ ||
      memory->pages()->backing() != HostMapping::Backing::kPrivateFile) {
    return true;
  }
  memory->pages()->set_may_be_stored();
  if (int error = CopyStoredPages(pages_->start(), view_.length, view_.data)) {
    return ThrowSystem(env, "tell which pages were stored into", error);
  }
  return true;
}

bool RewireTarget::Restore(napi_env env) {
  uint8_t* start;
  size_t length;
  if (!shown()) {
    return true;
  }
  if (!FindMemory(env, &start, &length) || !KeepStores(env)) {
    return false;
  }
  if (int error = pages_->Unmap()) {
    return ThrowSystem(env, "map the memory's own pages again", error);
  }
  Forget();
  return true;
}

bool RewireTarget::Capacity(napi_env env, uint64_t* capacity) {
  uint8_t* start;
  size_t length;
  if (!FindMemory(env, &start, &length)) {
    return false;
  }
  *capacity = length;
  return true;
}

void RewireTarget::Forget() {
  faults_.reset();
  lease_.Reset();
  view_ = {};
}

}  // namespace rawmem
