#include "minimum_search.h"

#include <memory>
#include <utility>

#include "common/fixed_sizes.h"
#include "raw_memory.h"
#include "v8-array-buffer.h"

namespace rawmem {

namespace {

// The smallest size, a whole number of pages, that is not too small.
template <typename IsTooSmall>
size_t Search(IsTooSmall is_too_small) {
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

}  // namespace

size_t FindMinimum(Agent* agent, v8::Local<v8::WasmMemoryObject> memory) {
  v8::Local<v8::ArrayBuffer> buffer = memory->Buffer();
  std::shared_ptr<v8::BackingStore> store = buffer->GetBackingStore();
  static uint8_t nothing;
  const size_t minimum = Search([&](size_t size) {
    return memory->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
               &nothing, size, v8::BackingStore::EmptyDeleter, nullptr)) ==
           v8::WasmRawMemoryResult::kTooSmall;
  });
  memory->SetBackingStore(std::move(store));
  agent->buffer_aliases().Replace(buffer, memory->Buffer());
  return minimum;
}

size_t FindMinimum(v8::Local<v8::Object> instance,
                   uint32_t memory_index,
                   uint8_t* data,
                   const Attachment* attached) {
  // Nothing runs between the attempts, so that what they attach is never looked
  // at.
  const size_t minimum = Search([&](size_t size) {
    return v8::SetWasmInstanceRawMemory(instance, memory_index, data, size) ==
           v8::WasmRawMemoryResult::kTooSmall;
  });
  if (attached != nullptr) {
    v8::SetWasmInstanceRawMemory(instance, memory_index, attached->data,
                                 attached->length);
  } else {
    v8::ResetWasmInstanceRawMemory(instance, memory_index);
  }
  return minimum;
}

}  // namespace rawmem
