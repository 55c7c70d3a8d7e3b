// Faults in host memory: a page cannot be touched, because its file was cut
// short, its medium failed, a disk is full, or nothing is there. The kernel
// raises SIGBUS or SIGSEGV, which would end the process.
//
// Here handlers of both signals keep it alive. WebAssembly code of the inner
// engine traps. For everything else that touches the page a page of zeros takes
// its place, and the range remembers it. Faults outside of all ranges go to the
// handlers that were there before, Node's for instance.
//
// No header of V8 or Node is needed here.

#ifndef BINDINGS_NATIVE_COMMON_FAULT_RANGE_H_
#define BINDINGS_NATIVE_COMMON_FAULT_RANGE_H_

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace rawmem {

// What has faulted on one thread. Written by the handlers.
struct ThreadFaults {
  // Pages that zeros took the place of, so far, and an address in the last one.
  uint64_t replaced_pages = 0;
  uintptr_t replaced = 0;
  // That page, and which range had it.
  uintptr_t page = 0;
  uint64_t tenancy = 0;
  // Where code has trapped. 0 once that was reported.
  uintptr_t trapped = 0;

  static ThreadFaults& Current();
};

// The pages of one mapping.
class FaultRange {
 public:
  // The engine whose code traps. Its functions must be fit for signal handlers.
  struct Engine {
    bool (*try_trap)(int signal, siginfo_t* info, void* context);
    bool (*add_range)(void* start, size_t size);
    void (*remove_range)(void* start, size_t size);
  };
  // To be called before there is any range. Installs the handlers.
  static void SetEngine(const Engine& engine);

  // What the bytes are those of, for messages: a file, or none if the name is
  // empty.
  struct Source {
    std::string file;
    uint64_t offset = 0;
  };

  // From `data` on lie `length` bytes that can be touched. `size` bytes from
  // `start` on are the whole mapping, with guards.
  FaultRange(void* start,
             size_t size,
             uint8_t* data,
             size_t length,
             Source source);
  // `size` bytes at `start` show those of another range from `data` on once
  // more, and what is lost here is lost there. The other range must stay
  // longer.
  FaultRange(const FaultRange& other,
             void* start,
             size_t size,
             const uint8_t* data);
  ~FaultRange();
  FaultRange(const FaultRange&) = delete;
  FaultRange& operator=(const FaultRange&) = delete;

  // The offset from `data` of the first page that zeros took the place of.
  std::optional<size_t> damaged() const;

  // Says which byte could not be touched, for errors. Empty if `address` lies
  // in no range, or behind its bytes.
  static std::string Describe(uintptr_t address);

 private:
  friend struct FaultHandlers;
  struct Slot;

  Slot* MoveIn(Slot* other, uintptr_t distance);

  uint8_t* const start_;
  const size_t size_;
  uint8_t* const data_;
  const size_t length_;
  const Source source_;
  const bool is_in_engine_;
  Slot* const slot_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_FAULT_RANGE_H_
