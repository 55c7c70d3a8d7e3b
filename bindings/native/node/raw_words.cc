#include "raw_words.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace rawmem {

WordReader::WordReader() {
  if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) {
    pipe_[0] = pipe_[1] = -1;
  }
}

WordReader::~WordReader() {
  if (ok()) {
    close(pipe_[0]);
    close(pipe_[1]);
  }
}

std::vector<uintptr_t> WordReader::Read(uintptr_t address, size_t count) {
  // What a pipe takes at once on any system.
  constexpr size_t kMost = 512 / sizeof(uintptr_t);
  // A range that is mapped in part only may count as not mapped at all, so none
  // goes across the end of a page. Larger pages end where small ones do.
  constexpr size_t kPage = 4096;
  std::vector<uintptr_t> words;
  while (ok() && words.size() < count) {
    uintptr_t part[kMost];
    const uintptr_t from = address + words.size() * sizeof(uintptr_t);
    const size_t wanted =
        std::min({kMost, count - words.size(),
                  (kPage - from % kPage) / sizeof(uintptr_t)});
    // The system call itself: sanitizers put a function of their own before
    // the C library's, which refuses memory that is not the program's.
    const ssize_t written =
        syscall(SYS_write, pipe_[1], from, wanted * sizeof(uintptr_t));
    if (written <= 0) {
      break;
    }
    const ssize_t got = read(pipe_[0], part, static_cast<size_t>(written));
    if (got != written) {
      break;
    }
    const size_t whole = static_cast<size_t>(got) / sizeof(uintptr_t);
    words.insert(words.end(), part, part + whole);
    if (whole < wanted) {
      break;
    }
  }
  return words;
}

}  // namespace rawmem
