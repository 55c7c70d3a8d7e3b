#include "host_mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace rawmem {

namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<HostMapping>> mappings;
};

// Never destroyed: threads may still run when the process ends.
Registry& GetRegistry() {
  static auto* registry = new Registry;
  return *registry;
}

std::string RandomName() {
  uint8_t bits[16];
  ssize_t got;
  do {
    got = getrandom(bits, sizeof bits, 0);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof bits) {
    return {};
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (uint8_t byte : bits) {
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

// Null, for a system call that has failed. Closes `descriptor`, if there is
// one.
std::shared_ptr<HostMapping> Failure(int descriptor) {
  const int error = errno;
  if (descriptor >= 0) {
    close(descriptor);
  }
  errno = error;
  return nullptr;
}

}  // namespace

std::shared_ptr<HostMapping> HostMapping::Allocate(size_t length,
                                                   bool shareable) {
  const size_t mapping_length = std::max<size_t>(length, 1);
  int descriptor = -1;
  if (shareable) {
    descriptor = memfd_create("v8-rawmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    // Sealed, since the descriptor is in /proc for all of the process to open,
    // and an access to pages beyond the end of a file ends the process.
    if (descriptor < 0 ||
        ftruncate(descriptor, static_cast<off_t>(mapping_length)) != 0 ||
        fcntl(descriptor, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
      return Failure(descriptor);
    }
  }
  void* mapping = mmap(
      nullptr, mapping_length, PROT_READ | PROT_WRITE,
      (shareable ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) | MAP_NORESERVE,
      descriptor, 0);
  if (mapping == MAP_FAILED) {
    return Failure(descriptor);
  }
  // Only advice: fewer page faults while filling, fewer TLB misses in a scan.
  madvise(mapping, mapping_length, MADV_HUGEPAGE);
  auto pages = std::make_shared<HostMapping>(Backing::kAnonymous,
                                             static_cast<uint8_t*>(mapping),
                                             length, mapping, mapping_length);
  pages->KeepDescriptor(descriptor, 0);
  return pages;
}

std::shared_ptr<HostMapping> HostMapping::MapFile(int fd,
                                                  size_t offset,
                                                  size_t length,
                                                  bool writable,
                                                  bool shareable) {
  int descriptor = -1;
  if (shareable) {
    descriptor = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) {
      return nullptr;
    }
  }
  const size_t lead = offset % static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // A read-only mapping would turn a store in WebAssembly into a fault that
  // ends the process. Copy-on-write lets it store and leaves the file alone;
  // NORESERVE, because the file may be larger than memory.
  void* mapping = mmap(nullptr, lead + length, PROT_READ | PROT_WRITE,
                       writable ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, fd,
                       static_cast<off_t>(offset - lead));
  if (mapping == MAP_FAILED) {
    return Failure(descriptor);
  }
  auto pages = std::make_shared<HostMapping>(
      writable ? Backing::kSharedFile : Backing::kPrivateFile,
      static_cast<uint8_t*>(mapping) + lead, length, mapping, lead + length);
  pages->KeepDescriptor(descriptor, offset);
  return pages;
}

HostMapping::HostMapping(Backing backing,
                         uint8_t* data,
                         size_t length,
                         void* mapping,
                         size_t mapping_length)
    : backing_(backing),
      data_(data),
      length_(length),
      mapping_(mapping),
      mapping_length_(mapping_length) {}

HostMapping::~HostMapping() {
  {
    Registry& registry = GetRegistry();
    std::lock_guard lock(registry.mutex);
    if (!name_.empty()) {
      registry.mappings.erase(name_);
    }
  }
  if (mapping_ != nullptr) {
    munmap(mapping_, mapping_length_);
  }
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

void HostMapping::KeepDescriptor(int descriptor, uint64_t offset) {
  descriptor_ = descriptor;
  descriptor_offset_ = offset;
}

std::string HostMapping::Share(const std::shared_ptr<HostMapping>& pages) {
  Registry& registry = GetRegistry();
  std::lock_guard lock(registry.mutex);
  if (pages->name_.empty()) {
    pages->name_ = RandomName();
    if (!pages->name_.empty()) {
      registry.mappings.emplace(pages->name_, pages);
    }
  }
  return pages->name_;
}

std::shared_ptr<HostMapping> HostMapping::Find(const std::string& name) {
  Registry& registry = GetRegistry();
  std::lock_guard lock(registry.mutex);
  auto found = registry.mappings.find(name);
  return found == registry.mappings.end() ? nullptr : found->second.lock();
}

void HostMapping::Discard(const std::shared_ptr<HostMapping>& pages) {
  if (pages->mapping_ == nullptr) {
    return;
  }
  Registry& registry = GetRegistry();
  // Find is the only way from one reference to two, and waits for the mutex.
  std::lock_guard lock(registry.mutex);
  if (pages.use_count() != 1) {
    return;
  }
  if (!pages->name_.empty()) {
    registry.mappings.erase(pages->name_);
    pages->name_.clear();
  }
  mmap(pages->mapping_, pages->mapping_length_, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

}  // namespace rawmem
