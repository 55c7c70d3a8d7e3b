#include "raw_growth.h"

#include <utility>

#include "common/fixed_sizes.h"

namespace rawmem {

std::shared_ptr<GrowthLock> GrowthLock::New(napi_env env,
                                            std::shared_ptr<RawLayout> layout,
                                            napi_value memory) {
  std::shared_ptr<GrowthLock> lock(new GrowthLock(std::move(layout)));
  lock->memory_ = WeakReference(env, memory);
  return lock->memory_.is_empty() ? nullptr : lock;
}

void GrowthLock::Acquire(size_t bytes) {
  ++holders_;
  Lower(bytes);
}

void GrowthLock::Release() {
  --holders_;
  Settle();
}

uint32_t GrowthLock::Settle() {
  if (holders_ == 0) {
    Lift();
  }
  return drops_;
}

void GrowthLock::Lift() {
  const napi_value memory = memory_.Value();
  if (is_lowered_ && memory != nullptr) {
    layout_->WriteMaximum(memory, declared_);
  }
  is_lowered_ = false;
}

void GrowthLock::Lower(size_t bytes) {
  const napi_value memory = memory_.Value();
  if (is_lowered_ || holders_ == 0 || memory == nullptr) {
    return;
  }
  declared_ = layout_->ReadMaximum(memory);
  layout_->WriteMaximum(memory, RawLayout::SmallInteger(bytes / kWasmPageSize));
  is_lowered_ = true;
}

}  // namespace rawmem
