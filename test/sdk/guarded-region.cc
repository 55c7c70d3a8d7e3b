#include "guarded-region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr uint8_t kCanary = 0xc5;

size_t PageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

size_t RoundUp(size_t size) {
  return (size + PageSize() - 1) / PageSize() * PageSize();
}

uint8_t* Map(size_t size, int protection) {
  void* start = mmap(nullptr, size, protection,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == MAP_FAILED ? nullptr : static_cast<uint8_t*>(start);
}

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

GuardedRegion::GuardedRegion(size_t size, Flush flush, size_t gap)
    // At least one accessible page, so that an empty region lies somewhere.
    : accessible_size_(RoundUp(size + gap > 0 ? size + gap : 1)), size_(size) {
  mapping_size_ = accessible_size_ + 2 * PageSize();
  mapping_ = Map(mapping_size_, PROT_NONE);
  if (mapping_ == nullptr)
    Die("mmap");
  accessible_ = mapping_ + PageSize();
  if (mprotect(accessible_, accessible_size_, PROT_READ | PROT_WRITE) != 0) {
    Die("mprotect");
  }
  start_ = flush == Flush::kEnd ? accessible_ + accessible_size_ - gap - size
                                : accessible_ + gap;
  std::memset(accessible_, kCanary, accessible_size_);
  Fill(0);
}

GuardedRegion::~GuardedRegion() {
  munmap(mapping_, mapping_size_);
}

bool GuardedRegion::IsUntouchedOutside() const {
  for (uint8_t* byte = accessible_; byte < start_; ++byte) {
    if (*byte != kCanary)
      return false;
  }
  for (uint8_t* byte = start_ + size_; byte < accessible_ + accessible_size_;
       ++byte) {
    if (*byte != kCanary)
      return false;
  }
  return true;
}

bool GuardedRegion::Contains(uint8_t value, size_t begin, size_t end) const {
  for (size_t i = 0; i < size_; ++i) {
    if (i >= begin && i < end)
      continue;
    if (start_[i] != value)
      return false;
  }
  return true;
}

void GuardedRegion::Fill(uint8_t value) {
  if (size_ > 0)
    std::memset(start_, value, size_);
}

SparseRegion::SparseRegion(size_t size, Access access)
    : start_(Map(size,
                 access == Access::kAll ? PROT_READ | PROT_WRITE : PROT_NONE)),
      size_(size) {}

SparseRegion::~SparseRegion() {
  if (start_ != nullptr)
    munmap(start_, size_);
}

void SparseRegion::Open(size_t offset) {
  uint8_t* page = start_ + offset / PageSize() * PageSize();
  if (mprotect(page, PageSize(), PROT_READ | PROT_WRITE) != 0)
    Die("mprotect");
}
