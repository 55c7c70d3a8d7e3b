#ifndef TEST_SDK_GUARDED_REGION_H_
#define TEST_SDK_GUARDED_REGION_H_

#include <cstddef>
#include <cstdint>

// Whether atomic accesses work in a region that begins anywhere. Elsewhere it
// has to begin at a multiple of their size, or they trap as unaligned.
#ifdef __x86_64__
inline constexpr bool kAtomicsMayBeginAnywhere = true;
#else
inline constexpr bool kAtomicsMayBeginAnywhere = false;
#endif

// Bytes with something around them that notices every access beside them. The
// side that matters borders on a page which cannot be accessed: one byte too
// far ends the process. The other side is filled up to a page with canaries,
// as are the bytes between region and guard page if there is a gap.
class GuardedRegion {
 public:
  enum class Flush {
    kEnd,    // The last byte is the last before the guard page.
    kStart,  // The first byte is the first behind the guard page.
  };

  // The bytes are zero. `gap` bytes of canary lie between the region and the
  // guard page, which makes odd addresses possible.
  explicit GuardedRegion(size_t size,
                         Flush flush = Flush::kEnd,
                         size_t gap = 0);
  ~GuardedRegion();
  GuardedRegion(const GuardedRegion&) = delete;
  GuardedRegion& operator=(const GuardedRegion&) = delete;

  uint8_t* start() const { return start_; }
  size_t size() const { return size_; }

  // Whether no byte beside the region was written to.
  bool IsUntouchedOutside() const;
  // Whether all bytes of the region but those in [begin, end) are `value`.
  bool Contains(uint8_t value, size_t begin = 0, size_t end = 0) const;
  void Fill(uint8_t value);

 private:
  uint8_t* mapping_;  // A guard page, the accessible pages, a guard page.
  size_t mapping_size_;
  uint8_t* accessible_;
  size_t accessible_size_;
  uint8_t* start_;
  size_t size_;
};

// Address space that costs no memory until it is touched.
class SparseRegion {
 public:
  enum class Access {
    kAll,      // Every page can be read and written.
    kNothing,  // None can, until Open.
  };

  SparseRegion(size_t size, Access access);
  ~SparseRegion();
  SparseRegion(const SparseRegion&) = delete;
  SparseRegion& operator=(const SparseRegion&) = delete;

  // Makes the page at `offset` readable and writable.
  void Open(size_t offset);

  // Null if the system has not got the address space.
  uint8_t* start() const { return start_; }
  size_t size() const { return size_; }

 private:
  uint8_t* start_;
  size_t size_;
};

#endif  // TEST_SDK_GUARDED_REGION_H_
