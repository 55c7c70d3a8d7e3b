#include "data.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace {

[[noreturn]] void Fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

uint8_t* Map(size_t size, int flags, int file, const std::string& what) {
  // There is no mapping of nothing.
  if (size == 0)
    return nullptr;
  // The module may store to its memory. A private mapping keeps that away from
  // the file; a read-only one would turn it into a crash of the process.
  void* start =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, file, 0);
  if (start == MAP_FAILED)
    Fail(what);
  return static_cast<uint8_t*>(start);
}

}  // namespace

Data Data::MapFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    Fail("cannot open " + path);
  struct stat status;
  uint8_t* start = nullptr;
  size_t size = 0;
  try {
    if (fstat(file, &status) != 0)
      Fail("cannot read the size of " + path);
    if (!S_ISREG(status.st_mode)) {
      errno = EINVAL;
      Fail(path + " is not a regular file");
    }
    size = static_cast<size_t>(status.st_size);
    // Private writable mappings count as memory that might be needed; here it
    // never is, so large files should not be refused for it.
    start = Map(size, MAP_NORESERVE, file, "cannot map " + path);
  } catch (...) {
    close(file);
    throw;
  }
  close(file);
  if (size > 0)
    madvise(start, size, MADV_SEQUENTIAL);
  return Data(start, size);
}

Data Data::Generate(size_t size) {
  uint8_t* start =
      Map(size, MAP_ANONYMOUS, -1,
          "cannot allocate " + std::to_string(size) + " bytes of data");
  // A Weyl sequence with the finisher of SplitMix64: every word depends on its
  // place alone.
  uint64_t counter = 0;
  for (size_t offset = 0; offset < size; offset += sizeof(uint64_t)) {
    counter += 0x9e3779b97f4a7c15;
    uint64_t word = counter;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    word ^= word >> 31;
    const size_t rest = size - offset;
    std::memcpy(start + offset, &word,
                rest < sizeof(word) ? rest : sizeof(word));
  }
  return Data(start, size);
}

Data::Data(Data&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Data::~Data() {
  if (start_ != nullptr)
    munmap(start_, size_);
}

uint64_t SumWords(const uint8_t* start, size_t size) {
  uint64_t sum = 0;
  size_t offset = 0;
  for (; offset + sizeof(uint64_t) <= size; offset += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, start + offset, sizeof(word));
    sum += word;
  }
  uint64_t last = 0;
  if (offset < size)
    std::memcpy(&last, start + offset, size - offset);
  return sum + last;
}
