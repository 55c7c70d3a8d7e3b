#include "rewired_pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace rawmem {

RewiredPages::~RewiredPages() {
  for (const Piece& piece : pieces_) {
    munmap(piece.address, piece.end - piece.begin);
  }
}

size_t RewiredPages::PageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

int RewiredPages::Map(uint8_t* start,
                      size_t length,
                      int descriptor,
                      uint64_t offset,
                      bool shared) {
  if (length_ == 0) {
    start_ = start;
  }
  if (length > length_) {
    const size_t before = length_;
    if (int error = SetAside(before, length)) {
      PutBack(before);
      return error;
    }
  } else if (int error = PutBack(length)) {
    return error;
  }
  if (length != 0 &&
      mmap(start_, length, PROT_READ | PROT_WRITE,
           (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE | MAP_FIXED,
           descriptor, static_cast<off_t>(offset)) == MAP_FAILED) {
    const int error = errno;
    // Rather nothing than something that is neither the old nor the new.
    PutBack(0);
    return error;
  }
  return 0;
}

int RewiredPages::Unmap() {
  return PutBack(0);
}

void RewiredPages::FollowTo(uint8_t* start) {
  for (const Piece& piece : pieces_) {
    std::memcpy(start + piece.begin, piece.address, piece.end - piece.begin);
    munmap(piece.address, piece.end - piece.begin);
  }
  pieces_.clear();
  length_ = 0;
  start_ = start;
}

// Moves own pages away. Their addresses stay mapped, to pages of zeros
// (DONTUNMAP). What lies in several of the system's mappings, as after
// memory.grow, cannot be moved at once.
int RewiredPages::SetAside(size_t begin, size_t end) {
  const size_t length = end - begin;
  // The system takes the last argument for a wish, and where it is left out
  // some C libraries pass on what happens to be in its place.
  void* moved = mremap(start_ + begin, length, length,
                       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
  if (moved != MAP_FAILED) {
    pieces_.push_back({begin, end, static_cast<uint8_t*>(moved)});
    length_ = end;
    return 0;
  }
  if (errno != EFAULT || length == PageSize()) {
    return errno;
  }
  const size_t middle = begin + length / PageSize() / 2 * PageSize();
  if (int error = SetAside(begin, middle)) {
    return error;
  }
  return SetAside(middle, end);
}

// Moves own pages back, from `begin` to the end of what is set aside. The
// system replaces what is mapped there in one step.
int RewiredPages::PutBack(size_t begin) {
  while (length_ > begin) {
    Piece& piece = pieces_.back();
    const size_t first = std::max(begin, piece.begin);
    const size_t length = piece.end - first;
    if (mremap(piece.address + (first - piece.begin), length, length,
               MREMAP_MAYMOVE | MREMAP_FIXED, start_ + first) == MAP_FAILED) {
      return errno;
    }
    length_ = first;
    if (first == piece.begin) {
      pieces_.pop_back();
    } else {
      piece.end = first;
    }
  }
  return 0;
}

}  // namespace rawmem
