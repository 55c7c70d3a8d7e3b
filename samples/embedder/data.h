#ifndef SAMPLES_EMBEDDER_DATA_H_
#define SAMPLES_EMBEDDER_DATA_H_

#include <cstddef>
#include <cstdint>
#include <string>

// The data that the host holds: pages of the process that WebAssembly is to
// work on where they lie.
class Data {
 public:
  // Maps the file at `path`. Writes to the bytes stay in this process.
  // Throws std::system_error, naming the file, if that is not possible.
  static Data MapFile(const std::string& path);

  // `size` bytes of pseudo-random data, the same in every run.
  // Throws std::system_error if the system has not got the memory.
  static Data Generate(size_t size);

  Data(Data&& other) noexcept;
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data();

  uint8_t* start() const { return start_; }
  size_t size() const { return size_; }

 private:
  Data(uint8_t* start, size_t size) : start_(start), size_(size) {}

  uint8_t* start_;
  size_t size_;
};

// What kernel.wat computes, computed natively.
uint64_t SumWords(const uint8_t* start, size_t size);

#endif  // SAMPLES_EMBEDDER_DATA_H_
