// Host memory: where its bytes are, who keeps them mapped, and who still uses
// them.
//
// No header of V8 or Node is needed here.

#ifndef BINDINGS_NATIVE_COMMON_HOST_MEMORY_H_
#define BINDINGS_NATIVE_COMMON_HOST_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "host_mapping.h"

namespace rawmem {

// Bytes that WebAssembly code may be pointed at, as one thread has them open:
// threads that share a region have a HostMemory each, over the same pages, so
// that one thread's attachments do not keep another from closing its region.
// The last shared_ptr may go on any thread.
//
// Borrowed bytes (an ArrayBuffer's) are not owned by this object: only the
// region's handle, a JavaScript object, keeps the ArrayBuffer alive. Whoever
// uses a region beyond the current call keeps the handle reachable as well.
class HostMemory {
 public:
  enum class Kind {
    kMapping,   // mmap'ed by us, unmapped with the last that shares it
    kBorrowed,  // belongs to an ArrayBuffer or SharedArrayBuffer
    kAddress,   // HostRegion.at(): the caller vouches for it
  };

  using Backing = HostMapping::Backing;

  explicit HostMemory(std::shared_ptr<HostMapping> pages);
  // Borrowed bytes.
  HostMemory(uint8_t* data, size_t length);
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  Kind kind() const { return kind_; }
  Backing backing() const { return backing_; }
  uint8_t* data() const { return data_; }
  size_t length() const { return length_; }
  bool attached() const {
    return attachments_.load(std::memory_order_acquire) != 0;
  }

  // The pages, for sharing them. Null for borrowed bytes, and after Unmap.
  const std::shared_ptr<HostMapping>& pages() const { return pages_; }

  // Both give the pages back ahead of the destructor, for HostRegion.close(),
  // unless another thread has them open.
  // Unmap: nothing of this thread that could still touch the bytes is left.
  // Discard: something may be; the addresses stay, and show zeros of their own.
  void Unmap();
  void Discard();

 private:
  friend class RegionLease;
  const Kind kind_;
  const Backing backing_;
  uint8_t* const data_;
  const size_t length_;
  std::shared_ptr<HostMapping> pages_;
  std::atomic<uint32_t> attachments_{0};
};

// Held by whatever an instance or a memory is attached to. While one exists,
// HostRegion.close() throws, and the mapping stays whatever JavaScript drops.
// Move-only; may be destroyed on any thread.
class RegionLease {
 public:
  RegionLease() = default;
  // `stores`: whether the holder may store into the pages.
  explicit RegionLease(std::shared_ptr<HostMemory> memory, bool stores = true);
  RegionLease(RegionLease&& other) noexcept;
  RegionLease& operator=(RegionLease&& other) noexcept;
  RegionLease(const RegionLease&) = delete;
  RegionLease& operator=(const RegionLease&) = delete;
  ~RegionLease();

  void Reset();
  HostMemory* get() const { return memory_.get(); }

 private:
  std::shared_ptr<HostMemory> memory_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_HOST_MEMORY_H_
