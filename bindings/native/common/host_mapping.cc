#include "host_mapping.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <mutex>
#include <unordered_map>

namespace rawmem {

namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<HostMapping>> mappings;
};

// Never destroyed: threads may still run when the process ends.
Registry &GetRegistry() {
  static auto *registry = new Registry;
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

} // namespace

HostMapping::HostMapping(Backing backing, uint8_t *data, size_t length,
                         void *mapping, size_t mapping_length)
    : backing_(backing), data_(data), length_(length), mapping_(mapping),
      mapping_length_(mapping_length) {}

HostMapping::~HostMapping() {
  {
    Registry &registry = GetRegistry();
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

std::string HostMapping::Share(const std::shared_ptr<HostMapping> &pages) {
  Registry &registry = GetRegistry();
  std::lock_guard lock(registry.mutex);
  if (pages->name_.empty()) {
    pages->name_ = RandomName();
    if (!pages->name_.empty()) {
      registry.mappings.emplace(pages->name_, pages);
    }
  }
  return pages->name_;
}

std::shared_ptr<HostMapping> HostMapping::Find(const std::string &name) {
  Registry &registry = GetRegistry();
  std::lock_guard lock(registry.mutex);
  auto found = registry.mappings.find(name);
  return found == registry.mappings.end() ? nullptr : found->second.lock();
}

void HostMapping::Discard(const std::shared_ptr<HostMapping> &pages) {
  if (pages->mapping_ == nullptr) {
    return;
  }
  Registry &registry = GetRegistry();
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

} // namespace rawmem
