// Reading words of Node's heap whose meaning is not known yet.

#ifndef BINDINGS_NATIVE_NODE_RAW_WORDS_H_
#define BINDINGS_NATIVE_NODE_RAW_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rawmem {

// Copies up to `count` words from `address`. The kernel does the reading, so
// that an address where nothing is mapped gives fewer words, or none, and never
// a fault.
class WordReader {
 public:
  WordReader();
  ~WordReader();
  WordReader(const WordReader&) = delete;
  WordReader& operator=(const WordReader&) = delete;

  // Whether the system gave us what reading takes.
  bool ok() const { return pipe_[0] >= 0; }
  std::vector<uintptr_t> Read(uintptr_t address, size_t count);

 private:
  int pipe_[2] = {-1, -1};
};

// V8's tagging: a strong reference to an object of its heap ends in 01, and
// objects lie at multiples of the size of a word.
inline bool IsHeapReference(uintptr_t word) {
  return word % sizeof(uintptr_t) == 1;
}
inline uintptr_t AddressOf(uintptr_t reference) {
  return reference - 1;
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_RAW_WORDS_H_
