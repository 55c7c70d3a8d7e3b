// Addresses that an engine has reserved behind a memory, with pages in their
// place.
//
// No header of V8 or Node is needed here.

#ifndef BINDINGS_NATIVE_NODE_RESERVED_PAGES_H_
#define BINDINGS_NATIVE_NODE_RESERVED_PAGES_H_

#include "rewired_pages.h"

namespace rawmem {

// Where a host window appears. What is not mapped cannot be accessed, as the
// engine has left it. Map() gives EEXIST if there is something else, also in
// the gaps before and behind it.
class ReservedPages final : public RewiredPages {
 public:
  // Bytes around the pages that stay empty, but for the end of the room.
  static constexpr size_t kGap = 65536;

  // `room` is how many bytes there are before the address space of the program
  // ends.
  explicit ReservedPages(size_t room) : room_(room) {}

  // The engine has given the old addresses back, with all that was mapped
  // there.
  void FollowTo(uint8_t* start) override;

 private:
  int SetAside(size_t begin, size_t end) override;
  int PutBack(size_t begin) override;

  const size_t room_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_RESERVED_PAGES_H_
