// The pages of an engine's memory, with others in their place.
//
// No header of V8 or Node is needed here.

#ifndef BINDINGS_NATIVE_NODE_REWIRED_PAGES_H_
#define BINDINGS_NATIVE_NODE_REWIRED_PAGES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rawmem {

// Maps pages of a file over the beginning of a memory, and has kept the pages
// that were there for the way back. At every moment all addresses of the memory
// are mapped, so that no other thread can get them from the system.
//
// What returns int returns 0 or an errno.
class RewiredPages {
 public:
  RewiredPages() = default;
  // Leaves the memory as it is: that may be gone by now.
  virtual ~RewiredPages();
  RewiredPages(const RewiredPages&) = delete;
  RewiredPages& operator=(const RewiredPages&) = delete;

  // Maps `length` bytes, a multiple of the page size that may be 0, at `start`:
  // those of the file `descriptor` from `offset` on, either shared with all
  // other mappings of the file or copy-on-write. `start` must be the same as
  // long as any are mapped. After an error less than before may be mapped,
  // see length().
  int Map(uint8_t* start,
          size_t length,
          int descriptor,
          uint64_t offset,
          bool shared);

  // Maps the memory's own pages again.
  int Unmap();

  // The engine has moved its memory, to `start`, contents and all. Gives the
  // memory its own bytes back there, and forgets where it was.
  virtual void FollowTo(uint8_t* start);

  uint8_t* start() const { return start_; }
  // Bytes from start() on that are not the memory's own.
  size_t length() const { return length_; }

  static size_t PageSize();

 protected:
  // Makes room from `begin`, which is length(), to `end`.
  virtual int SetAside(size_t begin, size_t end);
  // Undoes that from `begin` on.
  virtual int PutBack(size_t begin);

  uint8_t* start_ = nullptr;
  size_t length_ = 0;

 private:
  // Own pages of the memory, from `begin` to `end` of it, at `address`.
  struct Piece {
    size_t begin;
    size_t end;
    uint8_t* address;
  };

  std::vector<Piece> pieces_;  // from 0 to length_, without gaps
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_REWIRED_PAGES_H_
