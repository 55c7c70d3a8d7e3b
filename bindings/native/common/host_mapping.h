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
#include <string>

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
    kForeign,      // they are not ours
  };

  // Zeros, that can be mapped a second time if they are to be `shareable`. Has
  // an address of its own even without bytes, so that nothing has to think
  // about null. Null, with errno set, on failure.
  static std::shared_ptr<HostMapping> Allocate(size_t length, bool shareable);
  // The bytes of a file, which has them: at least one. A map that is not
  // `writable` can be stored into as well, and leaves the file alone. Null,
  // with errno set, on failure.
  static std::shared_ptr<HostMapping> MapFile(int fd,
                                              size_t offset,
                                              size_t length,
                                              bool writable,
                                              bool shareable);

  // `data` and `length` are the bytes that regions show; `mapping` and
  // `mapping_length` are what munmap gets (a file offset need not be
  // page-aligned), null where the pages are not ours.
  HostMapping(Backing backing,
              uint8_t* data,
              size_t length,
              void* mapping,
              size_t mapping_length);
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

  // Puts zeros in the place of the pages, if `pages` is the only reference:
  // addresses in them stay valid, and Find gives them no more. Otherwise does
  // nothing, since another thread has the bytes open.
  static void Discard(const std::shared_ptr<HostMapping>& pages);

 private:
  const Backing backing_;
  uint8_t* const data_;
  const size_t length_;
  void* const mapping_;
  const size_t mapping_length_;
  int descriptor_ = -1;
  uint64_t descriptor_offset_ = 0;
  std::atomic<bool> may_be_stored_{false};
  // Empty until shared. Guarded by the registry's mutex.
  std::string name_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_HOST_MAPPING_H_
