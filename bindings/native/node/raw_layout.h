// Where Node's V8 keeps start and size of the memories of an instance.

#ifndef BINDINGS_NATIVE_NODE_RAW_LAYOUT_H_
#define BINDINGS_NATIVE_NODE_RAW_LAYOUT_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rawmem {

// Start and size of a memory, as an instance has them.
struct MemoryWords {
  uint8_t* start = nullptr;
  size_t size = 0;

  bool operator==(const MemoryWords& other) const {
    return start == other.start && size == other.size;
  }
};

// An instance whose memories are known from elsewhere.
struct LayoutProbe {
  napi_value instance = nullptr;
  std::vector<MemoryWords> memories;
};

// A memory with a maximum that nothing else has.
struct MaximumProbe {
  napi_value memory = nullptr;
  size_t pages = 0;
};

// All numbers count words (of eight bytes) from the beginning of an object.
//
// Objects move when V8 collects garbage. So an address is good only until
// something is called that may allocate in V8's heap, and every use begins with
// the handle.
class RawLayout {
 public:
  // Searches what all probes have in common. False with a reason if there is
  // nothing, or if it is not certain.
  bool Search(const std::vector<LayoutProbe>& probes,
              const std::vector<MaximumProbe>& maxima,
              std::string* reason);

  // False if the instance does not look like the probes did.
  bool Read(napi_value instance, uint32_t memory_index, MemoryWords* words);
  bool Write(napi_value instance, uint32_t memory_index, MemoryWords words);

  // The maximum of a WebAssembly.Memory, a word as V8 has it there.
  uintptr_t ReadMaximum(napi_value memory) const;
  void WriteMaximum(napi_value memory, uintptr_t maximum) const;
  // How V8 has a number there.
  static constexpr uintptr_t SmallInteger(size_t number) {
    return static_cast<uintptr_t>(number) << 32;
  }

  // Whether memories other than the first can be read and written.
  bool has_all_memories() const { return array_ != kNone; }
  // For people: what was found.
  std::string Describe() const;

 private:
  static constexpr size_t kNone = ~size_t{0};

  struct Places {
    uintptr_t data = 0;             // reference to the object with the fields
    uintptr_t* memory0 = nullptr;   // only for the first memory
    uintptr_t* in_array = nullptr;  // where there is an array
  };

  bool Find(napi_value instance, uint32_t memory_index, Places* places) const;
  void FindExportedFunctions();
  bool SearchMaximum(const std::vector<MaximumProbe>& maxima);

  size_t data_ = kNone;     // in the instance: reference to an object that has
                            // the fields. kNone: the instance has them itself
  size_t memory0_ = kNone;  // there: start of memory 0, followed by its size
  size_t array_ = kNone;    // there: reference to the starts and sizes of all
  size_t first_ = kNone;    // in that: the first start
  size_t maximum_ = kNone;  // in a WebAssembly.Memory: its maximum, in pages
  uintptr_t data_map_ = 0;  // the first word of every object with the fields

  // What the executable exports, if it does.
  using SetOnInstance = void (*)(void*, uint8_t*, size_t);
  using SetOnData = void (*)(void*, int, uint8_t*, size_t);
  SetOnInstance set_on_instance_ = nullptr;
  SetOnData set_on_data_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_RAW_LAYOUT_H_
