#include "raw_memory.h"

#include <memory>
#include <string>

#include "agent.h"
#include "fixed_sizes.h"
#include "handle.h"
#include "tagged_object.h"
#include "v8-wasm.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kAttachmentsTag = {0x1d0b6a0f6cc24c7cu,
                                           0xa4ae45bd9f2b8ef1u};

void ThrowRange(napi_env env, const std::string& message) {
  napi_throw_range_error(env, nullptr, message.c_str());
}

void ThrowType(napi_env env, const std::string& message) {
  napi_throw_type_error(env, nullptr, message.c_str());
}

void ThrowRefusal(napi_env env,
                  v8::WasmRawMemoryResult result,
                  uint32_t memory_index,
                  size_t size,
                  size_t minimum,
                  Attached what) {
  const std::string memory = "memory " + std::to_string(memory_index);
  using Result = v8::WasmRawMemoryResult;
  switch (result) {
    case Result::kNotAnInstance:
      ThrowType(env, "instance must be a WebAssembly.Instance of v8-rawmem");
      return;
    case Result::kNoSuchMemory:
      ThrowRange(env,
                 "memoryIndex must be the index of a memory of the "
                 "instance; got " +
                     std::to_string(memory_index));
      return;
    case Result::kTooSmall:
      ThrowTooSmall(env, what, memory_index, minimum, size);
      return;
    case Result::kTooLarge:
      ThrowTooLarge(env, what, memory_index, size);
      return;
    case Result::kShared:
      ThrowType(env,
                "memoryIndex names a shared memory, which cannot be "
                "replaced; got " +
                    std::to_string(memory_index));
      return;
    case Result::kGuardRegions:
      ThrowType(env,
                "instance was compiled with --wasm-trap-handler, so its code "
                "relies on guard regions around " +
                    memory + "; leave out that flag in V8_RAWMEM_FLAGS");
      return;
    default:
      ThrowType(env, "region cannot be attached to " + memory);
      return;
  }
}

}  // namespace

size_t FindMinimum(const std::function<bool(size_t)>& is_too_small) {
  size_t refused = 0;
  size_t accepted = size_t{1} << 32;
  while (is_too_small(accepted) && accepted < (size_t{1} << 47)) {
    refused = accepted;
    accepted *= 2;
  }
  while (accepted - refused > kWasmPageSize) {
    const size_t middle =
        refused + (accepted - refused) / 2 / kWasmPageSize * kWasmPageSize;
    if (is_too_small(middle)) {
      refused = middle;
    } else {
      accepted = middle;
    }
  }
  return accepted;
}

void Attachment::PointBack(v8::Isolate* isolate) {
  v8::ResetWasmInstanceRawMemory(instance.Get(isolate), memory_index);
  instance.Reset();
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

bool BorrowedRegions::CheckAll() {
  napi_env env = agent_->env();
  bool intact = true;
  for (auto it = uses_.begin(); it != uses_.end();) {
    BorrowedUse* use = *it;
    napi_value region = nullptr;
    napi_get_reference_value(env, use->borrowed, &region);
    if (region != nullptr && !IsRegionDetached(env, region)) {
      ++it;
      continue;
    }
    // A region that was collected went together with everything that could
    // call the instance.
    intact = intact && region == nullptr;
    v8::HandleScope scope(agent_->isolate());
    use->PointBack(agent_->isolate());
    it = uses_.erase(it);
  }
  if (!intact) {
    ThrowType(env,
              "The ArrayBuffer behind an attached HostRegion has been "
              "transferred away; what was attached to it is back on its own "
              "memory");
  }
  return intact;
}

void BorrowedRegions::Clear() {
  for (BorrowedUse* use : uses_) {
    use->Clear();
  }
  uses_.clear();
}

Attachments::Attachments(Agent* agent) : agent_(agent) {
  agent->Ref();
}

Attachments::~Attachments() {
  for (auto& [key, attachment] : attachments_) {
    Drop(&attachment);
  }
  agent_->Unref();
}

void Attachments::Drop(Attachment* attachment) {
  if (attachment->borrowed != nullptr) {
    agent_->borrowed_regions().Remove(attachment);
    napi_delete_reference(agent_->env(), attachment->borrowed);
    attachment->borrowed = nullptr;
  }
  attachment->instance.Reset();
  attachment->lease.Reset();
  attachment->SetOwner(nullptr);
}

bool Attachments::Attach(Handle* handle,
                         uint32_t memory_index,
                         napi_value region,
                         const RegionView& view,
                         Attached what) {
  napi_env env = agent_->env();
  v8::Isolate* isolate = agent_->isolate();
  v8::Local<v8::Object> instance = handle->inner.Get(isolate);
  const Key key{handle->id, memory_index};
  const auto existing = attachments_.find(key);
  const v8::WasmRawMemoryResult result = v8::SetWasmInstanceRawMemory(
      instance, memory_index, view.data, view.length);
  if (result != v8::WasmRawMemoryResult::kOk) {
    size_t minimum = 0;
    if (result == v8::WasmRawMemoryResult::kTooSmall) {
      uint8_t* data = view.data;
      // Nothing runs between the attempts, so that what they attach is never
      // looked at.
      minimum = FindMinimum([&](size_t size) {
        return v8::SetWasmInstanceRawMemory(instance, memory_index, data,
                                            size) ==
               v8::WasmRawMemoryResult::kTooSmall;
      });
      // Without a lease it was pointed back, as its bytes are gone.
      if (existing != attachments_.end() &&
          existing->second.lease.get() != nullptr) {
        v8::SetWasmInstanceRawMemory(instance, memory_index,
                                     existing->second.data,
                                     existing->second.length);
      } else {
        v8::ResetWasmInstanceRawMemory(instance, memory_index);
      }
    }
    ThrowRefusal(env, result, memory_index, view.length, minimum, what);
    return false;
  }

  Attachment& attachment = attachments_[key];
  // The usual case is the next window of the same region.
  const bool same_memory = attachment.lease.get() == view.memory.get();
  attachment.data = view.data;
  attachment.length = view.length;
  attachment.SetOwner(nullptr);
  if (same_memory && attachment.borrowed == nullptr) {
    return true;
  }
  Drop(&attachment);
  attachment.memory_index = memory_index;
  attachment.lease = RegionLease(view.memory);
  if (view.memory->kind() == HostMemory::Kind::kBorrowed &&
      napi_create_reference(env, region, 0, &attachment.borrowed) == napi_ok) {
    attachment.instance.Reset(isolate, instance);
    agent_->borrowed_regions().Add(&attachment);
  }
  return true;
}

bool Attachments::Detach(Handle* handle, uint32_t memory_index) {
  const v8::WasmRawMemoryResult result = v8::ResetWasmInstanceRawMemory(
      handle->inner.Get(agent_->isolate()), memory_index);
  if (result != v8::WasmRawMemoryResult::kOk) {
    ThrowRefusal(agent_->env(), result, memory_index, 0, 0, Attached::kRegion);
    return false;
  }
  auto it = attachments_.find({handle->id, memory_index});
  if (it != attachments_.end()) {
    Drop(&it->second);
    attachments_.erase(it);
  }
  return true;
}

Attachment* Attachments::Find(Handle* handle, uint32_t memory_index) {
  auto it = attachments_.find({handle->id, memory_index});
  return it == attachments_.end() ? nullptr : &it->second;
}

void Attachments::Remove(Attachment* attachment) {
  for (auto it = attachments_.begin(); it != attachments_.end(); ++it) {
    if (&it->second == attachment) {
      Drop(attachment);
      attachments_.erase(it);
      return;
    }
  }
}

napi_value Attachments::New(Agent* agent) {
  return WrapTagged(agent->env(), kAttachmentsTag,
                    std::make_unique<Attachments>(agent));
}

Attachments* Attachments::From(napi_env env, napi_value value) {
  return UnwrapTagged<Attachments>(env, kAttachmentsTag, value);
}

}  // namespace rawmem
