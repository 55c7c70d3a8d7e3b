#include "stored_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>

#include "rewired_pages.h"

namespace rawmem {

namespace {

// Bits of an entry of /proc/self/pagemap.
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kSwapped = uint64_t{1} << 62;
// Of a file, or shared. What copy-on-write has copied is neither.
constexpr uint64_t kFileOrShared = uint64_t{1} << 61;

bool IsStored(uint64_t entry) {
  return (entry & (kPresent | kSwapped)) != 0 && (entry & kFileOrShared) == 0;
}

// Negative, with errno set, if it cannot be opened at present, as when there
// are no descriptors left.
int PageMap() {
  static std::atomic<int> descriptor = -1;
  int found = descriptor.load();
  if (found >= 0) {
    return found;
  }
  const int opened = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (opened < 0 || descriptor.compare_exchange_strong(found, opened)) {
    return opened;
  }
  // Another thread was faster.
  close(opened);
  return found;
}

}  // namespace

int CopyStoredPages(const uint8_t* from, size_t length, uint8_t* to) {
  const int descriptor = PageMap();
  if (descriptor < 0) {
    return errno;
  }
  const size_t page_size = RewiredPages::PageSize();
  const size_t first_page = reinterpret_cast<uintptr_t>(from) / page_size;
  const size_t pages = (length + page_size - 1) / page_size;
  uint64_t entries[4096];
  for (size_t page = 0; page < pages;) {
    const size_t wanted = std::min(std::size(entries), pages - page);
    const ssize_t got =
        pread(descriptor, entries, wanted * sizeof(uint64_t),
              static_cast<off_t>((first_page + page) * sizeof(uint64_t)));
    if (got < static_cast<ssize_t>(sizeof(uint64_t))) {
      if (got < 0 && errno == EINTR) {
        continue;
      }
      return got < 0 ? errno : EIO;
    }
    const size_t count = static_cast<size_t>(got) / sizeof(uint64_t);
    for (size_t i = 0; i < count; ++i) {
      if (IsStored(entries[i])) {
        const size_t offset = (page + i) * page_size;
        std::memcpy(to + offset, from + offset,
                    std::min(page_size, length - offset));
      }
    }
    page += count;
  }
  return 0;
}

}  // namespace rawmem
