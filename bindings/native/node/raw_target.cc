#include "raw_target.h"

#include <string>
#include <utility>

#include "common/napi/exceptions.h"

namespace rawmem {

namespace {

// Where a region may begin. V8 does not look where a memory begins before an
// atomic access. On x64 any address will do; elsewhere one that is not a
// multiple of the access's size ends the process.
#ifdef __x86_64__
constexpr size_t kAlignment = 1;
#else
constexpr size_t kAlignment = 8;
#endif

std::string Memory(const RawLimits& limits) {
  return "memory " + std::to_string(limits.memory_index);
}

}  // namespace

std::unique_ptr<RawTarget> RawTarget::New(napi_env env,
                                          std::shared_ptr<RawLayout> layout,
                                          std::shared_ptr<GrowthLock> growth,
                                          const RawLimits& limits,
                                          napi_value instance,
                                          napi_value memory,
                                          napi_value buffer_getter) {
  std::unique_ptr<RawTarget> target(
      new RawTarget(std::move(layout), std::move(growth), limits));
  target->instance_ = WeakReference(env, instance);
  target->memory_ = WeakReference(env, memory);
  target->buffer_getter_ = StrongReference(env, buffer_getter);
  MemoryWords own, found;
  if (!target->ReadOwn(env, &own)) {
    return nullptr;
  }
  // The start of an empty memory is not told.
  if (!target->layout_->Read(instance, limits.memory_index, &found) ||
      found.size != own.size || (own.size != 0 && found.start != own.start)) {
    ThrowError(env,
               Memory(limits) +
                   " of the instance is not where the instances were that "
                   "node-raw examined, so it cannot be attached; use another "
                   "backend");
    return nullptr;
  }
  return target;
}

RawTarget::~RawTarget() {
  // Runs when nobody can reach the instance any more, or for good: there is
  // nothing to write back in it.
  growth_->Drop(shown_);
}

bool RawTarget::ReadOwn(napi_env env, MemoryWords* own) const {
  napi_value memory = memory_.Value();
  napi_value getter = buffer_getter_.Value();
  napi_value buffer;
  void* data = nullptr;
  size_t size = 0;
  if (memory == nullptr || getter == nullptr) {
    return ThrowError(env, "The memory of the instance has been collected");
  }
  if (napi_call_function(env, memory, getter, 0, nullptr, &buffer) != napi_ok) {
    return false;
  }
  if (napi_get_arraybuffer_info(env, buffer, &data, &size) != napi_ok) {
    return ThrowError(env, "The buffer of the memory is no ArrayBuffer");
  }
  own->start = static_cast<uint8_t*>(data);
  own->size = size;
  return true;
}

bool RawTarget::CheckShown(napi_env env, napi_value instance) {
  MemoryWords found;
  if (!shown_ || (layout_->Read(instance, limits_.memory_index, &found) &&
                  found == window_)) {
    return true;
  }
  Release();
  ThrowError(env, Memory(limits_) +
                      " grew while a region was attached to it, so the "
                      "instance has been on its own memory since; with the "
                      "backend node-raw, memory.grow ends an attachment");
  return false;
}

bool RawTarget::Show(napi_env env, napi_value handle, const RegionView& view) {
  if (view.length < limits_.minimum) {
    ThrowTooSmall(env, subject(), limits_.memory_index, limits_.minimum,
                  view.length);
    return false;
  }
  if (view.length > limits_.reach) {
    ThrowTooLarge(env, subject(), limits_.memory_index, view.length);
    return false;
  }
  if (reinterpret_cast<uintptr_t>(view.data) % kAlignment != 0) {
    return ThrowRangeError(
        env,
        "region: for the backend 'node-raw' on this processor it must begin at "
        "a multiple of " +
            std::to_string(kAlignment) + " bytes; use the backend 'patched'");
  }
  const bool same_memory = lease_.get() == view.memory.get();
  napi_value source = nullptr;
  if (!same_memory && view.memory->kind() == HostMemory::Kind::kBorrowed) {
    source = GetRegionSource(env, handle);
    if (source == nullptr || !BackingStorePin::Available()) {
      ThrowError(env,
                 "This Node does not let the backend node-raw keep the bytes "
                 "of a borrowed ArrayBuffer; use HostRegion.allocate or "
                 "another backend");
      return false;
    }
  }
  // Nothing from here on allocates in V8's heap, which could move the instance.
  napi_value instance = instance_.Value();
  if (instance == nullptr) {
    return ThrowError(env, "The instance has been collected");
  }
  if (!CheckShown(env, instance)) {
    return false;
  }
  size_t own_size = 0;
  if (!shown_) {
    MemoryWords own;
    layout_->Read(instance, limits_.memory_index, &own);
    own_start_ = own.start;
    own_size = own.size;
  }
  const MemoryWords window{view.data, view.length};
  if (!layout_->Write(instance, limits_.memory_index, window)) {
    return ThrowError(env,
                      Memory(limits_) + " of the instance is not where it was");
  }
  window_ = window;
  if (!shown_) {
    shown_ = true;
    growth_->Acquire(own_size);
  }
  // Code is off the former bytes by now.
  if (!same_memory) {
    lease_ = RegionLease(view.memory);
    if (source != nullptr) {
      pin_.Reset(env, source);
    } else {
      pin_.Reset();
    }
  }
  return true;
}

bool RawTarget::Restore(napi_env env) {
  if (!shown_) {
    return true;
  }
  MemoryWords own;
  if (!ReadOwn(env, &own)) {
    return false;
  }
  napi_value instance = instance_.Value();
  if (instance == nullptr) {
    Release();
    return true;
  }
  if (!CheckShown(env, instance)) {
    return false;
  }
  if (own.size == 0) {
    // It has been empty all along: memories do not shrink.
    own.start = own_start_;
  }
  if (!layout_->Write(instance, limits_.memory_index, own)) {
    return ThrowError(env, "The memory of the instance is not where it was");
  }
  Release();
  return true;
}

bool RawTarget::Check(napi_env env) {
  napi_value instance = instance_.Value();
  return instance == nullptr || CheckShown(env, instance);
}

bool RawTarget::ShowAgain(napi_env env) {
  napi_value instance = instance_.Value();
  if (!shown_ || instance == nullptr) {
    return true;
  }
  if (!layout_->Write(instance, limits_.memory_index, window_)) {
    return ThrowError(env, "The memory of the instance is not where it was");
  }
  return true;
}

void RawTarget::Release() {
  shown_ = false;
  growth_->Release();
  window_ = {};
  lease_.Reset();
  pin_.Reset();
}

}  // namespace rawmem
