#include "fault_range.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <utility>

namespace rawmem {

namespace {

constexpr uint64_t kUndamaged = std::numeric_limits<uint64_t>::max();

FaultRange::Engine engine;

// Guards the list of slots against other writers, and installs handlers.
std::mutex& Mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

uintptr_t PageSize() {
  static const auto size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

// What handlers can read at any time. Slots stay for good, and serve the next
// range. The bytes that a handler is asked about are in use, so their slot does
// not change; others may meanwhile.
struct FaultRange::Slot {
  // Another number for each range that the slot has served, and 0 in between.
  std::atomic<uint64_t> tenancy{0};
  std::atomic<const FaultRange*> range{nullptr};
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  // From where on WebAssembly code may trap, but nothing else is to be saved.
  std::atomic<uintptr_t> guard{0};
  std::atomic<uint64_t> damaged{kUndamaged};
  // The slot that counts lost pages, and how far on they lie there.
  std::atomic<Slot*> counting{nullptr};
  std::atomic<uintptr_t> distance{0};
  // A bit for each page that zeros took the place of. None until one did.
  uint8_t* replaced = nullptr;
  Slot* next = nullptr;

  static std::atomic<Slot*> first;

  // Begin and end count only if they are those of one range.
  bool Holds(uintptr_t address) const {
    const uint64_t tenant = tenancy.load();
    return tenant != 0 && address >= begin.load() && address < end.load() &&
           tenancy.load() == tenant;
  }

  static Slot* Find(uintptr_t address) {
    Slot* slot = first.load();
    while (slot != nullptr && !slot->Holds(address)) {
      slot = slot->next;
    }
    return slot;
  }

  // With the mutex held.
  static Slot* Take() {
    for (Slot* slot = first.load(); slot != nullptr; slot = slot->next) {
      if (slot->range.load() == nullptr) {
        return slot;
      }
    }
    auto* slot = new Slot;
    slot->next = first.load();
    first.store(slot);
    return slot;
  }

  // With the mutex held. Begin and end change only while nobody is here.
  void MoveIn(const FaultRange* tenant, Slot* other, uintptr_t far) {
    static uint64_t tenancies = 0;
    range.store(tenant);
    begin.store(reinterpret_cast<uintptr_t>(tenant->start_));
    end.store(begin.load() + tenant->size_);
    guard.store(reinterpret_cast<uintptr_t>(tenant->data_) + tenant->length_);
    damaged.store(kUndamaged);
    counting.store(other == nullptr ? this : other);
    distance.store(far);
    tenancy.store(++tenancies);
  }

  // With the mutex held.
  void MoveOut() {
    tenancy.store(0);
    if (replaced != nullptr) {
      munmap(replaced, BitmapSize());
      replaced = nullptr;
    }
    range.store(nullptr);
  }

  void Count(uintptr_t page) {
    std::atomic<uint64_t>& first = counting.load()->damaged;
    const uint64_t counted = page + distance.load();
    uint64_t before = first.load();
    while (counted < before && !first.compare_exchange_weak(before, counted)) {
    }
  }

  // Has zeros take the place of a page, once: what other threads have stored
  // there since must stay. Returns false if that cannot be done.
  bool Replace(uintptr_t page, ThreadFaults& faults) {
    // A thread that comes back to the page finds it lost again.
    const bool is_again =
        faults.tenancy == tenancy.load() && faults.page == page;
    while (is_replacing.test_and_set()) {
      sched_yield();
    }
    bool done = true;
    if (is_again || !IsReplaced(page)) {
      done = MapZeros(page, PageSize(), MAP_FIXED) != nullptr && Remember(page);
    }
    is_replacing.clear();
    faults.tenancy = tenancy.load();
    faults.page = page;
    return done;
  }

 private:
  // Held for the time of two system calls, by handlers only.
  static std::atomic_flag is_replacing;

  static void* MapZeros(uintptr_t address, size_t size, int flags) {
    void* zeros =
        mmap(reinterpret_cast<void*>(address), size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return zeros == MAP_FAILED ? nullptr : zeros;
  }

  size_t BitmapSize() const {
    return (end.load() - begin.load()) / PageSize() / 8 + 1;
  }

  size_t IndexOf(uintptr_t page) const {
    return (page - begin.load()) / PageSize();
  }

  bool IsReplaced(uintptr_t page) const {
    const size_t index = IndexOf(page);
    return replaced != nullptr && (replaced[index / 8] >> (index % 8) & 1) != 0;
  }

  bool Remember(uintptr_t page) {
    if (replaced == nullptr) {
      replaced = static_cast<uint8_t*>(MapZeros(0, BitmapSize(), 0));
    }
    if (replaced == nullptr) {
      return false;
    }
    const size_t index = IndexOf(page);
    replaced[index / 8] |= uint8_t{1} << (index % 8);
    return true;
  }
};

std::atomic<FaultRange::Slot*> FaultRange::Slot::first{nullptr};
std::atomic_flag FaultRange::Slot::is_replacing;

ThreadFaults& ThreadFaults::Current() {
  static thread_local ThreadFaults faults;
  return faults;
}

// The handlers of this process.
struct FaultHandlers {
  static constexpr int kSignals[] = {SIGBUS, SIGSEGV};

  // What was there before the handlers were installed first, and last. Others
  // that were installed in between may call back to these.
  struct Previous {
    struct sigaction first = {};
    struct sigaction last = {};
  };
  // Those that are replaced stay: a handler may be reading them.
  static std::atomic<const Previous*> previous[2];

  // Another library may have taken the signals since. Its handlers are the next
  // to be asked then.
  static void Install() {
    for (size_t i = 0; i < 2; ++i) {
      struct sigaction current = {};
      sigaction(kSignals[i], nullptr, &current);
      if ((current.sa_flags & SA_SIGINFO) != 0 &&
          current.sa_sigaction == Handle) {
        continue;
      }
      const Previous* before = previous[i].load();
      previous[i].store(
          new Previous{before == nullptr ? current : before->first, current});
      struct sigaction action = {};
      action.sa_sigaction = Handle;
      // NODEFER: a fault of a handler ends the process at once.
      action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
      sigemptyset(&action.sa_mask);
      sigaction(kSignals[i], &action, nullptr);
    }
  }

  static void Handle(int signal, siginfo_t* info, void* context) {
    // Handlers that were installed later, and called these, are called in turn.
    static thread_local bool is_active = false;
    const int error = errno;
    const bool is_nested = std::exchange(is_active, true);
    // Signals that were sent have no address.
    if (is_nested || info->si_code <= 0 || !Mend(signal, info, context)) {
      const Previous& before = *previous[signal == SIGBUS ? 0 : 1].load();
      PassOn(is_nested ? before.first : before.last, signal, info, context);
    }
    is_active = is_nested;
    errno = error;
  }

  static bool Mend(int signal, siginfo_t* info, void* context) {
    const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
    ThreadFaults& faults = ThreadFaults::Current();
    // The engine knows guards of its own, too.
    if (engine.try_trap != nullptr && engine.try_trap(signal, info, context)) {
      faults.trapped = address;
      return true;
    }
    FaultRange::Slot* slot = FaultRange::Slot::Find(address);
    if (slot == nullptr) {
      return false;
    }
    const uintptr_t page = address & ~(PageSize() - 1);
    if (address >= slot->guard.load() || !slot->Replace(page, faults)) {
      return false;
    }
    slot->Count(page);
    ++faults.replaced_pages;
    faults.replaced = address;
    return true;
  }

  static void PassOn(const struct sigaction& action,
                     int signal,
                     siginfo_t* info,
                     void* context) {
    if ((action.sa_flags & SA_SIGINFO) != 0) {
      action.sa_sigaction(signal, info, context);
    } else if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) {
      action.sa_handler(signal);
    } else {
      // The instruction faults once more, and ends the process as it would have
      // without these handlers. A signal that was sent is sent again.
      struct sigaction standard = {};
      standard.sa_handler = SIG_DFL;
      sigaction(signal, &standard, nullptr);
      if (info->si_code <= 0) {
        raise(signal);
      }
    }
  }
};

std::atomic<const FaultHandlers::Previous*> FaultHandlers::previous[2];

void FaultRange::SetEngine(const Engine& new_engine) {
  std::lock_guard lock(Mutex());
  engine = new_engine;
  FaultHandlers::Install();
}

FaultRange::FaultRange(void* start,
                       size_t size,
                       uint8_t* data,
                       size_t length,
                       Source source)
    : start_(static_cast<uint8_t*>(start)),
      size_((size + PageSize() - 1) & ~(PageSize() - 1)),
      data_(data),
      length_(length),
      source_(std::move(source)),
      is_in_engine_(engine.add_range != nullptr &&
                    engine.add_range(start_, size_)),
      slot_(MoveIn(nullptr, 0)) {}

FaultRange::FaultRange(const FaultRange& other,
                       void* start,
                       size_t size,
                       const uint8_t* data)
    : start_(static_cast<uint8_t*>(start)),
      size_(size),
      data_(start_),
      length_(size),
      source_{other.source_.file,
              other.source_.offset + static_cast<uint64_t>(data - other.data_)},
      is_in_engine_(false),
      slot_(MoveIn(other.slot_,
                   reinterpret_cast<uintptr_t>(data) -
                       reinterpret_cast<uintptr_t>(start))) {}

FaultRange::Slot* FaultRange::MoveIn(Slot* other, uintptr_t distance) {
  std::lock_guard lock(Mutex());
  FaultHandlers::Install();
  Slot* slot = Slot::Take();
  slot->MoveIn(this, other, distance);
  return slot;
}

FaultRange::~FaultRange() {
  if (is_in_engine_) {
    engine.remove_range(start_, size_);
  }
  std::lock_guard lock(Mutex());
  slot_->MoveOut();
}

std::optional<size_t> FaultRange::damaged() const {
  const uint64_t page = slot_->damaged.load();
  if (page == kUndamaged) {
    return {};
  }
  const auto data = reinterpret_cast<uintptr_t>(data_);
  return page <= data ? 0 : page - data;
}

std::string FaultRange::Describe(uintptr_t address) {
  std::lock_guard lock(Mutex());
  const Slot* slot = Slot::Find(address);
  const FaultRange* range = slot == nullptr ? nullptr : slot->range.load();
  if (range == nullptr || address >= slot->guard.load()) {
    return {};
  }
  const auto data = reinterpret_cast<uintptr_t>(range->data_);
  const uint64_t offset = address <= data ? 0 : address - data;
  const Source& source = range->source_;
  if (source.file.empty()) {
    return "byte " + std::to_string(offset) +
           " of the HostRegion cannot be accessed";
  }
  return "byte " + std::to_string(source.offset + offset) + " of '" +
         source.file +
         "' cannot be accessed: the file was cut short while it was mapped, "
         "its medium failed, or the disk is full";
}

}  // namespace rawmem
