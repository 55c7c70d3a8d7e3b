// What threads share: mappings that each finds by name, lends out and closes
// whenever it likes, pages that are lost, and the control block by which one
// stops the cursor of another. ThreadSanitizer watches.

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/fault_range.h"
#include "common/host_mapping.h"
#include "common/host_memory.h"
#include "common/window_cursor.h"

using rawmem::FaultRange;
using rawmem::HostMapping;
using rawmem::HostMemory;
using rawmem::RegionLease;

namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 300;
constexpr size_t kLength = 1 << 16;

void Require(bool condition, const char* what) {
  if (!condition) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
  }
}

// Opens mappings of others by name, attaches, drops and closes them.
void UseNames(const std::vector<std::string>& names, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::unique_ptr<HostMemory>> open;
  std::vector<RegionLease> leases;
  for (int round = 0; round < kRounds; ++round) {
    switch (random() % 4) {
      case 0:
      case 1: {
        std::shared_ptr<HostMapping> found =
            HostMapping::Find(names[random() % names.size()]);
        if (found == nullptr) {
          break;
        }
        Require(found->length() == kLength, "another length");
        auto memory = std::make_shared<HostMemory>(found);
        leases.emplace_back(memory);
        Require(memory->attached(), "a lease without an attachment");
        open.push_back(std::make_unique<HostMemory>(std::move(found)));
        break;
      }
      case 2:
        if (!leases.empty()) {
          leases.erase(leases.begin() +
                       static_cast<ptrdiff_t>(random() % leases.size()));
        }
        break;
      default:
        if (!open.empty()) {
          open.back()->Unmap();
          open.pop_back();
        }
    }
  }
}

// Unseen by ThreadSanitizer, which takes the page of zeros that another thread
// maps for a write to all of its bytes.
__attribute__((no_sanitize("thread"))) void Store(volatile uint8_t* byte) {
  *byte = 1;
}

// Two threads store to a page that is lost, while regions come and go.
void StoreToLostPages() {
  const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::atomic<bool> is_done = false;
  std::thread others([&] {
    while (!is_done) {
      Require(HostMapping::Allocate(kLength, false, false) != nullptr,
              "no memory");
    }
  });
  for (int round = 0; round < 10 * kRounds; ++round) {
    void* start =
        mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* bytes = static_cast<uint8_t*>(start);
    {
      FaultRange range(start, size, bytes, size, {});
      std::atomic<int> ready = 0;
      auto store = [&](size_t at) {
        ++ready;
        while (ready < 2) {
        }
        Store(bytes + at);
      };
      std::thread first(store, 8);
      std::thread second(store, 16);
      first.join();
      second.join();
      Require(bytes[8] == 1 && bytes[16] == 1, "a store is lost");
      Require(range.damaged() == 0, "another range was damaged");
    }
    munmap(start, size);
  }
  is_done = true;
  others.join();
}

// One thread walks through a region until another says stop.
void StopCursor(uint8_t* base) {
  alignas(8) uint8_t control[64] = {};
  rawmem::WindowCursor cursor({.byte_length = kLength,
                               .window_size = 1024,
                               .report_progress = true,
                               .control = control});
  std::thread stopper([&] {
    const auto* position =
        reinterpret_cast<uint64_t*>(control + rawmem::ControlBlock::kPosition);
    while (__atomic_load_n(position, __ATOMIC_RELAXED) < kLength / 2) {
      std::this_thread::yield();
    }
    __atomic_store_n(
        reinterpret_cast<int32_t*>(control + rawmem::ControlBlock::kStop), 1,
        __ATOMIC_RELAXED);
  });
  while (!cursor.IsInterrupted()) {
    rawmem::WindowCursor::Refusal refusal;
    if (cursor.Use({}, &refusal) == rawmem::WindowCursor::Step::kWindow) {
      cursor.Enter(cursor.Following(), base);
    } else {
      cursor.End(base);
      cursor.Rewind();
    }
  }
  stopper.join();
}

}  // namespace

int main() {
  std::vector<std::shared_ptr<HostMapping>> mappings;
  std::vector<std::string> names;
  for (int i = 0; i < 8; ++i) {
    mappings.push_back(HostMapping::Allocate(kLength, false, false));
    Require(mappings.back() != nullptr, "no memory");
    names.push_back(HostMapping::Share(mappings.back()));
  }
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back(UseNames, names, i);
  }
  // Some go while others look for them.
  for (size_t i = 0; i < mappings.size() / 2; ++i) {
    HostMapping::Discard(mappings[i]);
    mappings[i].reset();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  StoreToLostPages();
  StopCursor(mappings.back()->data());
  std::puts("passed");
}
