#include "host_memory.h"

#include <utility>

namespace rawmem {

HostMemory::HostMemory(std::shared_ptr<HostMapping> pages)
    : kind_(pages->backing() == Backing::kForeign ? Kind::kAddress
                                                  : Kind::kMapping),
      backing_(pages->backing()),
      data_(pages->data()),
      length_(pages->length()),
      pages_(std::move(pages)) {}

HostMemory::HostMemory(uint8_t* data, size_t length)
    : kind_(Kind::kBorrowed),
      backing_(Backing::kForeign),
      data_(data),
      length_(length) {}

void HostMemory::Unmap() {
  pages_.reset();
}

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

RegionLease::RegionLease(RegionLease&& other) noexcept
    : memory_(std::move(other.memory_)) {}

RegionLease& RegionLease::operator=(RegionLease&& other) noexcept {
  if (this != &other) {
    Reset();
    memory_ = std::move(other.memory_);
  }
  return *this;
}

RegionLease::~RegionLease() {
  Reset();
}

void RegionLease::Reset() {
  if (memory_) {
    memory_->attachments_.fetch_sub(1, std::memory_order_acq_rel);
    memory_.reset();
  }
}

}  // namespace rawmem
