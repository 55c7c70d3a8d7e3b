#include "raw_memory.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/napi/exceptions.h"
#include "handle.h"
#include "pointer_tags.h"
#include "tracing.h"
#include "v8-wasm.h"

namespace rawmem {

namespace {

v8::Local<v8::Private> Key(v8::Isolate* isolate) {
  return v8::Private::ForApi(
      isolate, v8::String::NewFromUtf8Literal(isolate, "v8-rawmem:attached"));
}

// Where windows end.
constexpr uint64_t kAddressSpace = uint64_t{1} << 32;

void ThrowRefusal(napi_env env,
                  v8::WasmRawMemoryResult result,
                  MemoryPlace place,
                  size_t size,
                  Attached what) {
  const uint32_t memory_index = place.memory_index;
  const std::string memory = "memory " + std::to_string(memory_index);
  const std::string window =
      "window " + std::to_string(place.window.value_or(0));
  using Result = v8::WasmRawMemoryResult;
  switch (result) {
    case Result::kNotAnInstance:
      ThrowTypeError(env,
                     "instance must be a WebAssembly.Instance of v8-rawmem");
      return;
    case Result::kNoSuchMemory:
      ThrowRangeError(env,
                      "memoryIndex must be the index of a memory of the "
                      "instance; got " +
                          std::to_string(memory_index));
      return;
    case Result::kTooSmall:
      ThrowTooSmall(env, what, memory_index, result.minimum_size, size);
      return;
    case Result::kTooLarge:
      if (place.window) {
        ThrowRangeError(env,
                        window + " has room for " +
                            std::to_string(kAddressSpace - place.Address()) +
                            " bytes; got " + std::to_string(size));
      } else {
        ThrowTooLarge(env, what, memory_index, size);
      }
      return;
    case Result::kShared:
      ThrowTypeError(env,
                     "memoryIndex names a shared memory, which cannot be "
                     "replaced; got " +
                         std::to_string(memory_index));
      return;
    case Result::kGuardRegions:
      ThrowTypeError(
          env,
          "instance was compiled with --wasm-trap-handler, so its code "
          "relies on guard regions around " +
              memory + "; leave out that flag in V8_RAWMEM_FLAGS");
      return;
    case Result::kUnguarded:
      ThrowTypeError(env,
                     "region cannot be attached to " + memory +
                         ": the module was compiled with { boundsChecks: "
                         "'region' }; make the region with { guarded: true }");
      return;
    case Result::kInInterrupt:
      ThrowTypeError(env,
                     memory +
                         " cannot be switched while a debugger interrupts the "
                         "code that runs on it; wait until the call has ended");
      return;
    case Result::kNoHostWindows:
      ThrowTypeError(env,
                     memory +
                         " has no host windows: they belong to memory 0, of "
                         "32 bits and not shared, of modules that import "
                         "functions from \"rawmem\" or were compiled with "
                         "{ hostWindows: true }");
      return;
    case Result::kNoSuchWindow:
      ThrowRangeError(env, "window must be an integer from 0 to 7; got " +
                               std::to_string(place.window.value_or(0)));
      return;
    case Result::kWindowTaken:
      ThrowRangeError(env,
                      window + " cannot show " + std::to_string(size) +
                          " bytes: a window before or behind it shows "
                          "another region. Windows begin every 256 MiB, and "
                          "at least 64 KiB behind each region stay empty");
      return;
    default:
      ThrowTypeError(env, "region cannot be attached to " + memory);
      return;
  }
}

}  // namespace

v8::WasmRawMemoryResult MemoryPlace::Point(v8::Local<v8::Object> instance,
                                           uint8_t* data,
                                           size_t length) const {
  return window ? v8::SetWasmInstanceWindow(instance, memory_index, *window,
                                            data, length)
                : v8::SetWasmInstanceRawMemory(instance, memory_index, data,
                                               length);
}

v8::WasmRawMemoryResult MemoryPlace::PointBack(
    v8::Local<v8::Object> instance) const {
  return window ? v8::SetWasmInstanceWindow(instance, memory_index, *window,
                                            nullptr, 0)
                : v8::ResetWasmInstanceRawMemory(instance, memory_index);
}

uint64_t MemoryPlace::Address() const {
  return window ? uint64_t{8 + *window} << 28 : 0;
}

void Attachment::PointBack(v8::Isolate* isolate) {
  attachments->DropBorrowed(this);
  // Empty when the instance is collected, and about to be forgotten.
  if (!attachments->inner.IsEmpty()) {
    place.PointBack(attachments->inner.Get(isolate));
  }
  // Nothing of the region is attached any more, so it may be closed.
  lease.Reset();
  SetOwner(nullptr);
}

void Attachment::SetOwner(WindowOwner* new_owner) {
  if (owner != nullptr && owner != new_owner) {
    owner->OnWindowGone();
  }
  owner = new_owner;
}

namespace {

bool IsGone(Agent* agent, BorrowedUse* use) {
  const napi_value region = use->borrowed.Value();
  return region == nullptr || IsRegionDetached(agent->env(), region);
}

void ThrowGone(Agent* agent) {
  ThrowTypeError(agent->env(),
                 "The ArrayBuffer behind an attached HostRegion has been "
                 "transferred away; what was attached to it is back on its own "
                 "memory");
}

}  // namespace

bool CheckBorrowed(Agent* agent) {
  Store* entered = agent->entered();
  if (entered == nullptr) {
    return true;
  }
  std::vector<BorrowedUse*> gone;
  entered->VisitBorrowed([&](BorrowedUse* use) {
    if (IsGone(agent, use)) {
      gone.push_back(use);
    }
  });
  if (gone.empty()) {
    return true;
  }
  v8::HandleScope scope(agent->isolate());
  for (BorrowedUse* use : gone) {
    use->PointBack(agent->isolate());
  }
  ThrowGone(agent);
  return false;
}

bool CheckBorrowed(Agent* agent, BorrowedUse* use) {
  if (use->borrowed.is_empty() || !IsGone(agent, use)) {
    return true;
  }
  use->PointBack(agent->isolate());
  ThrowGone(agent);
  return false;
}

Attachments::Attachments(Agent* agent, Store::Pointer store)
    : agent_(agent), store_(std::move(store)) {
  Link(agent->records());
}

Attachments::~Attachments() {
  for (auto& [place, attachment] : attachments_) {
    Drop(&attachment);
  }
}

Attachments* Attachments::Of(Agent* agent, v8::Local<v8::Object> instance) {
  v8::Local<v8::Value> value;
  if (!instance->GetPrivate(agent->context(), Key(agent->isolate()))
           .ToLocal(&value) ||
      !value->IsExternal()) {
    return nullptr;
  }
  return static_cast<Attachments*>(
      value.As<v8::External>()->Value(kAttachmentsPointer));
}

Attachments* Attachments::Ensure(Handle* handle) {
  if (handle->attachments == nullptr) {
    handle->attachments = FindOrNew(handle);
  }
  return handle->attachments;
}

Attachments* Attachments::FindOrNew(Handle* handle) {
  Agent* agent = handle->agent.get();
  v8::Isolate* isolate = agent->isolate();
  v8::Local<v8::Object> instance = handle->inner.Get(isolate);
  if (Attachments* attachments = Of(agent, instance)) {
    return attachments;
  }
  std::unique_ptr<Attachments> attachments(
      new Attachments(agent, handle->store));
  if (!instance
           ->SetPrivate(agent->context(), Key(isolate),
                        v8::External::New(isolate, attachments.get(),
                                          kAttachmentsPointer))
           .FromMaybe(false)) {
    ThrowError(agent->env(), "v8-rawmem: the instance cannot be attached");
    return nullptr;
  }
  attachments->inner.Reset(isolate, instance);
  attachments->LeaveToObject();
  return attachments.release();
}

void Attachments::NoteDropped(Agent* agent, v8::Local<v8::Object> instance) {
  if (Attachments* attachments = Of(agent, instance)) {
    for (auto& [place, attachment] : attachments->attachments_) {
      if (attachment.lease.get() != nullptr) {
        agent->NoteUnreachable(attachment.lease.get()->length());
      }
    }
  }
}

void Attachments::Trace(Tracing& tracing) {
  if (!inner.IsEmpty()) {
    tracing.AddStore(inner.Get(agent_->isolate()), &store_);
  }
}

void Attachments::OnTraced() {
  for (auto& [place, attachment] : attachments_) {
    if (!attachment.borrowed.is_empty()) {
      store_->Watch(&attachment);
    }
  }
}

void Attachments::DropBorrowed(Attachment* attachment) {
  if (!attachment->borrowed.is_empty()) {
    store_->Unwatch(attachment);
    attachment->borrowed.Reset();
  }
}

void Attachments::Drop(Attachment* attachment) {
  DropBorrowed(attachment);
  attachment->lease.Reset();
  attachment->SetOwner(nullptr);
}

bool Attachments::Attach(MemoryPlace place,
                         napi_value region,
                         const RegionView& view,
                         Attached what) {
  napi_env env = agent_->env();
  v8::Local<v8::Object> instance = inner.Get(agent_->isolate());
  const bool is_borrowed = view.memory->kind() == HostMemory::Kind::kBorrowed;
  StrongReference borrowed;
  if (is_borrowed) {
    borrowed = StrongReference(env, region);
    if (borrowed.is_empty()) {
      return false;
    }
  }
  const v8::WasmRawMemoryResult result =
      place.Point(instance, view.data, view.length);
  if (result != v8::WasmRawMemoryResult::kOk) {
    ThrowRefusal(env, result, place, view.length, what);
    return false;
  }

  Attachment& attachment = attachments_[place];
  attachment.attachments = this;
  attachment.place = place;
  attachment.data = view.data;
  attachment.length = view.length;
  attachment.SetOwner(nullptr);
  DropBorrowed(&attachment);
  // The usual case is the next window of the same region.
  if (attachment.lease.get() != view.memory.get()) {
    attachment.lease = RegionLease(view.memory);
  }
  if (is_borrowed) {
    attachment.borrowed = std::move(borrowed);
    store_->Watch(&attachment);
  }
  return true;
}

bool Attachments::Detach(MemoryPlace place) {
  const v8::WasmRawMemoryResult result =
      place.PointBack(inner.Get(agent_->isolate()));
  if (result != v8::WasmRawMemoryResult::kOk) {
    ThrowRefusal(agent_->env(), result, place, 0, Attached::kRegion);
    return false;
  }
  auto it = attachments_.find(place);
  if (it != attachments_.end()) {
    Drop(&it->second);
    attachments_.erase(it);
  }
  return true;
}

Attachment* Attachments::Find(MemoryPlace place) {
  auto it = attachments_.find(place);
  return it == attachments_.end() ? nullptr : &it->second;
}

Attachment* Attachments::FindWindow(uint64_t address, size_t length) {
  for (auto& [place, attachment] : attachments_) {
    if (place.window && address >= place.Address() &&
        length <= attachment.length &&
        address - place.Address() <= attachment.length - length) {
      return &attachment;
    }
  }
  return nullptr;
}

void Attachments::Remove(Attachment* attachment) {
  Drop(attachment);
  attachments_.erase(attachment->place);
}

}  // namespace rawmem
