#include "host_mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

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

size_t ToWholePages(size_t length) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (length + page - 1) / page * page;
}

}  // namespace

HostMapping::Reservation HostMapping::Reservation::Make(size_t data_length,
                                                        bool guarded) {
  Reservation reservation = {.start = nullptr,
                             .data_length = ToWholePages(data_length),
                             .guard_length = guarded ? kGuardLength : 0};
  void* start = mmap(nullptr, reservation.length(), PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start != MAP_FAILED) {
    reservation.start = static_cast<uint8_t*>(start);
  }
  return reservation;
}

void HostMapping::Reservation::Unmap() const {
  if (start != nullptr) {
    munmap(start, length());
  }
}

std::shared_ptr<HostMapping> HostMapping::Failure(
    const Reservation& reservation,
    int descriptor) {
  const int error = errno;
  reservation.Unmap();
  if (descriptor >= 0) {
    close(descriptor);
  }
  errno = error;
  return nullptr;
}

std::shared_ptr<HostMapping> HostMapping::Allocate(size_t length,
                                                   bool shareable,
                                                   bool guarded) {
  const size_t mapping_length = std::max<size_t>(length, 1);
  const Reservation reservation = Reservation::Make(mapping_length, guarded);
  if (reservation.start == nullptr) {
    return nullptr;
  }
  int descriptor = -1;
  if (shareable) {
    descriptor = memfd_create("v8-rawmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    // Sealed, since the descriptor is in /proc for all of the process to open,
    // and an access to pages beyond the end of a file ends the process.
    if (descriptor < 0 ||
        ftruncate(descriptor, static_cast<off_t>(mapping_length)) != 0 ||
        fcntl(descriptor, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
      return Failure(reservation, descriptor);
    }
  }
  uint8_t* const start = reservation.start;
  if (mmap(start, mapping_length, PROT_READ | PROT_WRITE,
           (shareable ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) |
               MAP_NORESERVE | MAP_FIXED,
           descriptor, 0) == MAP_FAILED) {
    return Failure(reservation, descriptor);
  }
  // Only advice: fewer page faults while filling, fewer TLB misses in a scan.
  madvise(start, mapping_length, MADV_HUGEPAGE);
  std::shared_ptr<HostMapping> pages(
      new HostMapping(Backing::kAnonymous, start, length, reservation, {}));
  pages->KeepDescriptor(descriptor, 0);
  return pages;
}

std::shared_ptr<HostMapping> HostMapping::MapFile(int fd,
                                                  size_t offset,
                                                  size_t length,
                                                  bool writable,
                                                  bool shareable,
                                                  bool guarded,
                                                  std::string path) {
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
  const Reservation reservation = Reservation::Make(lead + length, guarded);
  if (reservation.start == nullptr ||
      mmap(reservation.start, lead + length, PROT_READ | PROT_WRITE,
           (writable ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE) | MAP_FIXED,
           fd, static_cast<off_t>(offset - lead)) == MAP_FAILED) {
    return Failure(reservation, descriptor);
  }
  std::shared_ptr<HostMapping> pages(
      new HostMapping(writable ? Backing::kSharedFile : Backing::kPrivateFile,
                      reservation.start + lead, length, reservation,
                      {.file = std::move(path), .offset = offset}));
  pages->KeepDescriptor(descriptor, offset);
  return pages;
}

std::shared_ptr<HostMapping> HostMapping::Compose(
    const std::vector<Part>& parts,
    size_t length,
    bool guarded) {
  const Reservation reservation =
      Reservation::Make(std::max<size_t>(length, 1), guarded);
  if (reservation.start == nullptr) {
    return nullptr;
  }
  for (const Part& part : parts) {
    const bool is_shared = part.mapping->backing() != Backing::kPrivateFile;
    if (part.length > 0 &&
        mmap(reservation.start + part.at, part.length, PROT_READ | PROT_WRITE,
             (is_shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE) | MAP_FIXED,
             part.mapping->descriptor(),
             static_cast<off_t>(part.mapping->descriptor_offset() +
                                part.offset)) == MAP_FAILED) {
      return Failure(reservation, -1);
    }
  }
  return std::shared_ptr<HostMapping>(new HostMapping(
      Backing::kComposed, reservation.start, length, reservation, {}));
}

HostMapping::HostMapping(uint8_t* data, size_t length)
    : backing_(Backing::kForeign),
      data_(data),
      length_(length),
      reservation_{} {}

HostMapping::HostMapping(Backing backing,
                         uint8_t* data,
                         size_t length,
                         const Reservation& reservation,
                         FaultRange::Source source)
    : backing_(backing),
      data_(data),
      length_(length),
      reservation_(reservation) {
  faults_.emplace(reservation.start, reservation.length(), data, length,
                  std::move(source));
}

HostMapping::~HostMapping() {
  {
    Registry& registry = GetRegistry();
    std::lock_guard lock(registry.mutex);
    if (!name_.empty()) {
      registry.mappings.erase(name_);
    }
  }
  faults_.reset();
  reservation_.Unmap();
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
  const Reservation& reservation = pages->reservation_;
  if (reservation.start == nullptr) {
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
  mmap(reservation.start, reservation.data_length, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

}  // namespace rawmem
