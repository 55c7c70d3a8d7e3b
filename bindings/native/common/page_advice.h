// What the system is told about the pages of a file map that is read from
// beginning to end.

#ifndef BINDINGS_NATIVE_COMMON_PAGE_ADVICE_H_
#define BINDINGS_NATIVE_COMMON_PAGE_ADVICE_H_

#include <cstddef>
#include <cstdint>

namespace rawmem {

// Touches whole pages that lie inside of the given bytes only, so that several
// can be at work on parts of one mapping. Small windows share a system call.
class PageAdvice {
 public:
  // No advice is given unless this was called.
  void Begin(uint8_t* begin, size_t length, bool prefetch, bool release);

  // A window was mapped, and `following` bytes at most are the next one.
  void OnWindow(uint8_t* window, size_t length, size_t following) {
    if (prefetch_ || release_) {
      Advise(window, length, following);
    }
  }
  // Everything before `end` is used up, and nothing follows.
  void OnEnd(uint8_t* end);

 private:
  void Advise(uint8_t* window, size_t length, size_t following);
  void Release(uintptr_t end, size_t at_least);

  bool prefetch_ = false;
  bool release_ = false;
  uintptr_t end_ = 0;
  uintptr_t released_ = 0;
  uintptr_t prefetched_ = 0;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_PAGE_ADVICE_H_
