// The pages behind host memory, which regions of several threads of the
// process may share, and the names under which threads find them.
//
// No header of V8 or Node is needed here.

#ifndef BINDINGS_NATIVE_COMMON_HOST_MAPPING_H_
#define BINDINGS_NATIVE_COMMON_HOST_MAPPING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fault_range.h"

namespace rawmem {

// What the last shared_ptr unmaps; it may go on any thread. Each thread that
// has the bytes open holds one (see HostMemory).
class HostMapping {
 public:
  // Where the pages come from when they are touched again after MADV_DONTNEED.
  enum class Backing {
    kAnonymous,    // nowhere: they are zeros then
    kPrivateFile,  // from the file, but for those that were stored into
    kSharedFile,   // from the file, stores included
    kComposed,     // from several places, one for each part
    kForeign,      // they are not ours
  };

  // Behind `guarded` bytes follow so many that cannot be touched: what an index
  // and an offset of 32 bits reach from any of the bytes.
  static constexpr size_t kGuardLength = size_t{8} << 30;

  // Zeros, that can be mapped a second time if they are to be `shareable`. Has
  // an address of its own even without bytes, so that nothing has to think
  // about null. Null, with errno set, on failure.
  static std::shared_ptr<HostMapping> Allocate(size_t length,
                                               bool shareable,
                                               bool guarded);
  // The bytes of a file, which has them: at least one. A map that is not
  // `writable` can be stored into as well, and leaves the file alone. `path` is
  // for messages. Null, with errno set, on failure.
  static std::shared_ptr<HostMapping> MapFile(int fd,
                                              size_t offset,
                                              size_t length,
                                              bool writable,
                                              bool shareable,
                                              bool guarded,
                                              std::string path);
  // Whole pages of other mappings, each at an offset of its own. What lies
  // between them cannot be touched.
  struct Part {
    const HostMapping* mapping;
    size_t offset;
    size_t length;
    size_t at;
  };
  // The parts do not overlap, can be mapped a second time, and end at `length`
  // or before. Null, with errno set, on failure.
  static std::shared_ptr<HostMapping> Compose(const std::vector<Part>& parts,
                                              size_t length,
                                              bool guarded);

  // Bytes at `data` that are not ours.
  HostMapping(uint8_t* data, size_t length);
  ~HostMapping();
  HostMapping(const HostMapping&) = delete;
  HostMapping& operator=(const HostMapping&) = delete;

  Backing backing() const { return backing_; }
  uint8_t* data() const { return data_; }
  size_t length() const { return length_; }

  // A descriptor of the file, or of the memory without a name, that the pages
  // are those of, by which they can be mapped once more; and where in it
  // data() lies. Closed with this object. -1 where none was kept.
  void KeepDescriptor(int descriptor, uint64_t offset);
  int descriptor() const { return descriptor_; }
  uint64_t descriptor_offset() const { return descriptor_offset_; }

  // Whether pages of kPrivateFile may differ from those of the file. Set
  // before anybody can store into them.
  bool may_be_stored() const {
    return may_be_stored_.load(std::memory_order_acquire);
  }
  void set_may_be_stored() {
    may_be_stored_.store(true, std::memory_order_release);
  }

  // The name under which Find gives these pages, to any thread of this process
  // and for as long as one of them has them open: 128 random bits, so that
  // no name of another process, of pages that are gone, or made up, is one of
  // ours. Empty, with errno set, if the system has no random bits to give.
  static std::string Share(const std::shared_ptr<HostMapping>& pages);
  static std::shared_ptr<HostMapping> Find(const std::string& name);

  // The offset of the first page that could not be touched, and which zeros
  // took the place of.
  // Empty where the pages are not ours.
  const std::optional<FaultRange>& faults() const { return faults_; }
  std::optional<size_t> damaged() const {
    return faults_ ? faults_->damaged() : std::nullopt;
  }

  // Puts zeros in the place of the pages, if `pages` is the only reference:
  // addresses in them stay valid, and Find gives them no more. Otherwise does
  // nothing, since another thread has the bytes open.
  static void Discard(const std::shared_ptr<HostMapping>& pages);

 private:
  // What was reserved at once: pages for data, and a guard.
  struct Reservation {
    uint8_t* start;
    size_t data_length;
    size_t guard_length;

    // Null `start`, with errno set, on failure.
    static Reservation Make(size_t data_length, bool guarded);
    size_t length() const { return data_length + guard_length; }
    void Unmap() const;
  };

  // `data` and `length` are the bytes that regions show; a file offset need not
  // be page-aligned.
  HostMapping(Backing backing,
              uint8_t* data,
              size_t length,
              const Reservation& reservation,
              FaultRange::Source source);
  // Null, for a system call that has failed. Closes `descriptor`, if there is
  // one.
  static std::shared_ptr<HostMapping> Failure(const Reservation& reservation,
                                              int descriptor);

  const Backing backing_;
  uint8_t* const data_;
  const size_t length_;
  // Empty where the pages are not ours.
  const Reservation reservation_;
  std::optional<FaultRange> faults_;
  int descriptor_ = -1;
  uint64_t descriptor_offset_ = 0;
  std::atomic<bool> may_be_stored_{false};
  // Empty until shared. Guarded by the registry's mutex.
  std::string name_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_HOST_MAPPING_H_
