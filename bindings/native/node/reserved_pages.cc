#include "reserved_pages.h"

#include <errno.h>
#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>

namespace rawmem {

namespace {

// Whether PROT_NONE is all that all of [begin, end) is mapped with.
bool IsReserved(const uint8_t* begin, const uint8_t* end) {
  auto at = reinterpret_cast<uintptr_t>(begin);
  const auto stop = reinterpret_cast<uintptr_t>(end);
  // Not a stream: with those, the library would be three times as large.
  const std::unique_ptr<FILE, int (*)(FILE*)> maps(
      std::fopen("/proc/self/maps", "re"), &std::fclose);
  char line[512];
  bool begins_line = true;
  while (at < stop && maps != nullptr &&
         std::fgets(line, sizeof(line), maps.get()) != nullptr) {
    // The path at the end may be of any length.
    const bool is_continued = !begins_line;
    begins_line = std::strchr(line, '\n') != nullptr;
    if (is_continued) {
      continue;
    }
    uintptr_t from, to;
    char access[5];
    uint64_t offset;
    unsigned major, minor;
    uint64_t inode;
    if (std::sscanf(line,
                    "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %x:%x %" SCNu64,
                    &from, &to, access, &offset, &major, &minor, &inode) != 7) {
      return false;
    }
    if (to <= at) {
      continue;
    }
    if (from > at || std::strcmp(access, "---p") != 0 || inode != 0) {
      return false;
    }
    at = to;
  }
  return at >= stop;
}

}  // namespace

void ReservedPages::FollowTo(uint8_t* start) {
  length_ = 0;
  start_ = start;
}

int ReservedPages::SetAside(size_t begin, size_t end) {
  // Before the window, too, as addresses of the program go on there.
  if (!IsReserved(begin == 0 ? start_ - kGap : start_ + begin,
                  start_ + std::min(end + kGap, room_))) {
    return EEXIST;
  }
  length_ = end;
  return 0;
}

int ReservedPages::PutBack(size_t begin) {
  if (length_ > begin &&
      mmap(start_ + begin, length_ - begin, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
           0) == MAP_FAILED) {
    return errno;
  }
  length_ = std::min(length_, begin);
  return 0;
}

}  // namespace rawmem
