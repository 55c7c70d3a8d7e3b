#include "page_advice.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace rawmem {

namespace {

// A system call for fewer bytes than this would cost more than it gives.
constexpr size_t kStride = 1024 * 1024;

// However small windows are, the disk needs some time ahead.
constexpr size_t kAhead = 4 * kStride;

uintptr_t PageBefore(uintptr_t address) {
  static const uintptr_t size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return address & ~(size - 1);
}

uintptr_t PageAfter(uintptr_t address) {
  const uintptr_t page = PageBefore(address);
  return page == address ? page
                         : page + static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
}

// It is only advice: nothing is done where the system does not take it.
void Tell(uintptr_t begin, uintptr_t end, int advice) {
  madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void PageAdvice::Begin(uint8_t* begin,
                       size_t length,
                       bool prefetch,
                       bool release) {
  prefetch_ = prefetch;
  release_ = release;
  end_ = reinterpret_cast<uintptr_t>(begin) + length;
  released_ = PageAfter(reinterpret_cast<uintptr_t>(begin));
  prefetched_ = 0;
}

void PageAdvice::Release(uintptr_t end, size_t at_least) {
  const uintptr_t page = PageBefore(end);
  if (release_ && page >= released_ + at_least) {
    Tell(released_, page, MADV_DONTNEED);
    released_ = page;
  }
}

void PageAdvice::Advise(uint8_t* window, size_t length, size_t following) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(window);
  Release(begin, kStride);
  if (!prefetch_) {
    return;
  }
  const uintptr_t from = std::max(begin + length, prefetched_);
  const uintptr_t to =
      std::min(begin + length + std::max(following, kAhead), end_);
  if (to >= from + kStride || (to == end_ && to > from)) {
    Tell(PageBefore(from), to, MADV_WILLNEED);
    prefetched_ = to;
  }
}

void PageAdvice::OnEnd(uint8_t* end) {
  // At least a page.
  Release(reinterpret_cast<uintptr_t>(end), 1);
}

}  // namespace rawmem
