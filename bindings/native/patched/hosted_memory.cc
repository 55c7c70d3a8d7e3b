#include "hosted_memory.h"

#include <utility>

#include "common/fixed_sizes.h"
#include "common/napi/exceptions.h"
#include "handle.h"
#include "memory_buffer.h"
#include "pointer_tags.h"
#include "tracing.h"

namespace rawmem {

namespace {

v8::Local<v8::Private> Key(v8::Isolate* isolate) {
  return v8::Private::ForApi(
      isolate, v8::String::NewFromUtf8Literal(isolate, "v8-rawmem:hosted"));
}

// A backing store over bytes that `memory` keeps mapped.
std::shared_ptr<v8::BackingStore> NewStore(uint8_t* data,
                                           size_t length,
                                           std::shared_ptr<HostMemory> memory) {
  auto* hold = new std::shared_ptr<HostMemory>(std::move(memory));
  return v8::ArrayBuffer::NewBackingStore(
      data, length,
      [](void*, size_t, void* held) {
        delete static_cast<std::shared_ptr<HostMemory>*>(held);
      },
      hold);
}

std::string Pages(size_t bytes) {
  return std::to_string(bytes) + " bytes (" +
         std::to_string(bytes / kWasmPageSize) + " pages)";
}

void ThrowRefusal(Agent* agent,
                  v8::Local<v8::WasmMemoryObject> memory,
                  v8::WasmRawMemoryResult result,
                  size_t size,
                  const std::string& name) {
  napi_env env = agent->env();
  using Result = v8::WasmRawMemoryResult;
  std::string message = name;
  switch (result) {
    case Result::kTooSmall:
      message += " must have at least " + Pages(result.minimum_size) +
                 ", the minimum that the modules which use the memory declare; "
                 "got " +
                 std::to_string(size);
      ThrowRangeError(env, message);
      return;
    case Result::kTooLarge:
      message +=
          " must have no more bytes than addresses of the memory reach "
          "(4294967296, or 2^48 with address: 'i64'); use "
          "subarray(begin, end); got " +
          std::to_string(size);
      ThrowRangeError(env, message);
      return;
    case Result::kGuardRegions:
      message +=
          " cannot be attached: a module that uses the memory was compiled "
          "with --wasm-trap-handler, so its code relies on guard regions; "
          "leave out that flag in V8_RAWMEM_FLAGS";
      break;
    case Result::kUnguarded:
      message +=
          " cannot be attached: a module that uses the memory was compiled "
          "with { boundsChecks: 'region' }; make the region with "
          "{ guarded: true }";
      break;
    case Result::kInInterrupt:
      message +=
          " cannot be attached while a debugger interrupts the code that runs "
          "on the memory; wait until the call has ended";
      break;
    default:
      message += " cannot be attached to this memory";
      break;
  }
  ThrowTypeError(env, message);
}

}  // namespace

HostedMemory::HostedMemory(Agent* agent, Store::Pointer store)
    : agent_(agent), store_(std::move(store)) {
  Link(agent->records());
}

HostedMemory::~HostedMemory() {
  Release();
}

void HostedMemory::Release() {
  DropBorrowed();
  lease_.Reset();
}

void HostedMemory::DropBorrowed() {
  if (!borrowed.is_empty()) {
    store_->Unwatch(this);
    borrowed.Reset();
    region_.Reset();
  }
}

HostedMemory* HostedMemory::Of(Agent* agent, v8::Local<v8::Object> memory) {
  v8::Local<v8::Value> value;
  if (!memory->GetPrivate(agent->context(), Key(agent->isolate()))
           .ToLocal(&value) ||
      !value->IsExternal()) {
    return nullptr;
  }
  return static_cast<HostedMemory*>(
      value.As<v8::External>()->Value(kHostedMemoryPointer));
}

HostedMemory* HostedMemory::Ensure(Handle* handle) {
  Agent* agent = handle->agent.get();
  v8::Isolate* isolate = agent->isolate();
  auto memory = handle->inner.Get(isolate).As<v8::WasmMemoryObject>();
  if (HostedMemory* hosted = Of(agent, memory)) {
    return hosted;
  }
  std::unique_ptr<HostedMemory> hosted(new HostedMemory(agent, handle->store));
  if (!memory
           ->SetPrivate(
               agent->context(), Key(isolate),
               v8::External::New(isolate, hosted.get(), kHostedMemoryPointer))
           .FromMaybe(false)) {
    ThrowError(agent->env(), "v8-rawmem: the memory cannot be attached");
    return nullptr;
  }
  hosted->inner.Reset(isolate, memory);
  hosted->LeaveToObject();
  return hosted.release();
}

Store::Pointer HostedMemory::StoreOf(Agent* agent,
                                     v8::Local<v8::Object> memory) {
  HostedMemory* hosted = Of(agent, memory);
  if (hosted != nullptr && hosted->store_->Keeper() != nullptr) {
    return hosted->store_;
  }
  Store::Pointer store = Store::New(agent->env(), Store::Kind::kLeaf);
  if (hosted != nullptr && store != nullptr) {
    hosted->store_->Unwatch(hosted);
    hosted->store_ = store;
    hosted->OnTraced();
  }
  return store;
}

void HostedMemory::Trace(Tracing& tracing) {
  if (!inner.IsEmpty()) {
    tracing.AddStore(inner.Get(agent_->isolate()), &store_);
  }
}

void HostedMemory::OnTraced() {
  if (!borrowed.is_empty()) {
    store_->Watch(this);
  }
}

bool HostedMemory::IsAttached(Agent* agent, v8::Local<v8::Object> memory) {
  HostedMemory* hosted = Of(agent, memory);
  return hosted != nullptr && hosted->is_attached();
}

napi_value HostedMemory::BorrowedRegion(Agent* agent,
                                        v8::Local<v8::Object> memory) {
  HostedMemory* hosted = Of(agent, memory);
  return hosted == nullptr ? nullptr : hosted->region_.Value();
}

void HostedMemory::NoteDropped(Agent* agent, v8::Local<v8::Object> memory) {
  HostedMemory* hosted = Of(agent, memory);
  if (hosted != nullptr && hosted->is_attached()) {
    agent->NoteUnreachable(hosted->lease_.get()->length());
  }
}

bool HostedMemory::Attach(Handle* memory_handle,
                          napi_value region,
                          napi_value handle,
                          const RegionView& view,
                          const std::string& name) {
  Agent* agent = memory_handle->agent.get();
  napi_env env = agent->env();
  HostedMemory* hosted = Ensure(memory_handle);
  if (hosted == nullptr) {
    return false;
  }
  v8::Local<v8::WasmMemoryObject> memory = hosted->inner.Get(agent->isolate());
  std::shared_ptr<v8::BackingStore> own = hosted->own_store_;
  if (!hosted->is_attached()) {
    own = memory->Buffer()->GetBackingStore();
  }
  StrongReference borrowed, borrowed_region;
  if (view.memory->kind() == HostMemory::Kind::kBorrowed) {
    borrowed = StrongReference(env, handle);
    borrowed_region = StrongReference(env, region);
    if (borrowed.is_empty() || borrowed_region.is_empty()) {
      return false;
    }
  }
  const v8::WasmRawMemoryResult result =
      memory->SetBackingStore(NewStore(view.data, view.length, view.memory));
  if (result != v8::WasmRawMemoryResult::kOk) {
    ThrowRefusal(agent, memory, result, view.length, name);
    return false;
  }
  hosted->Release();
  hosted->own_store_ = std::move(own);
  hosted->lease_ = RegionLease(view.memory);
  hosted->borrowed = std::move(borrowed);
  hosted->region_ = std::move(borrowed_region);
  hosted->OnTraced();
  return true;
}

bool HostedMemory::Detach(Handle* memory_handle) {
  Agent* agent = memory_handle->agent.get();
  auto memory =
      memory_handle->inner.Get(agent->isolate()).As<v8::WasmMemoryObject>();
  HostedMemory* hosted = Of(agent, memory);
  if (hosted == nullptr || !hosted->is_attached()) {
    return true;
  }
  const v8::WasmRawMemoryResult result =
      memory->SetBackingStore(hosted->own_store_);
  if (result != v8::WasmRawMemoryResult::kOk) {
    const size_t minimum = result.minimum_size;
    const std::string message =
        "region must be a HostRegion: without one, the memory has " +
        Pages(hosted->own_store_->ByteLength()) +
        " of its own, and the modules which use it declare a minimum of " +
        Pages(minimum) + "; make the memory with initial: " +
        std::to_string(minimum / kWasmPageSize) + " to detach it; got null";
    return ThrowRangeError(agent->env(), message);
  }
  hosted->own_store_.reset();
  hosted->Release();
  return true;
}

void HostedMemory::PointBack(v8::Isolate* isolate) {
  DropBorrowed();
  if (inner.IsEmpty()) {
    // Collected, and about to be deleted.
    return;
  }
  v8::Local<v8::WasmMemoryObject> memory = inner.Get(isolate);
  const size_t length = memory->Buffer()->ByteLength();
  if (memory->SetBackingStore(own_store_) == v8::WasmRawMemoryResult::kOk) {
    own_store_.reset();
    lease_.Reset();
    return;
  }
  // Too small for the code that uses the memory, which needs something to run
  // on all the same. The memory stays attached, to zeros.
  std::shared_ptr<HostMapping> pages =
      HostMapping::Allocate(length, false, false);
  if (pages == nullptr) {
    napi_fatal_error("v8-rawmem", NAPI_AUTO_LENGTH,
                     "no address space is left to replace an ArrayBuffer that "
                     "was transferred away from under a WebAssembly.Memory",
                     NAPI_AUTO_LENGTH);
  }
  auto zeros = std::make_shared<HostMemory>(std::move(pages));
  memory->SetBackingStore(NewStore(zeros->data(), length, zeros));
  lease_ = RegionLease(std::move(zeros));
}

}  // namespace rawmem
