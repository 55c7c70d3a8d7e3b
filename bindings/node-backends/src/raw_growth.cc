#include "raw_growth.h"

#include <utility>

namespace rawmem {

namespace {

constexpr size_t kPageSize = 65536;

}  // namespace

std::shared_ptr<GrowthLock> GrowthLock::New(napi_env env,
                                            std::shared_ptr<RawLayout> layout,
                                            napi_value memory) {
  std::shared_ptr<GrowthLock> lock(new GrowthLock(env, std::move(layout)));
  if (napi_create_reference(env, memory, 0, &lock->memory_) != napi_ok) {
    napi_throw_error(env, nullptr, "The memory could not be referred to");
    return nullptr;
  }
  return lock;
}

GrowthLock::~GrowthLock() {
  if (memory_ != nullptr) {
    napi_delete_reference(env_, memory_);
  }
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
  napi_value memory = nullptr;
  napi_get_reference_value(env_, memory_, &memory);
  if (is_lowered_ && memory != nullptr) {
    layout_->WriteMaximum(memory, declared_);
  }
  is_lowered_ = false;
}

void GrowthLock::Lower(size_t bytes) {
  napi_value memory = nullptr;
  napi_get_reference_value(env_, memory_, &memory);
  if (is_lowered_ || holders_ == 0 || memory == nullptr) {
    return;
  }
  declared_ = layout_->ReadMaximum(memory);
  layout_->WriteMaximum(memory, RawLayout::SmallInteger(bytes / kPageSize));
  is_lowered_ = true;
}

}  // namespace rawmem
