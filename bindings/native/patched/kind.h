// What an object of the inner engine is, as far as the binding cares.

#ifndef BINDINGS_NATIVE_PATCHED_KIND_H_
#define BINDINGS_NATIVE_PATCHED_KIND_H_

#include <array>
#include <cstddef>

namespace rawmem {

// The numbers are those of `Kind` in bindings/addon/binding.ts.
enum class Kind : int {
  kModule = 0,
  kInstance = 1,
  kMemory = 2,
  kTable = 3,
  kGlobal = 4,
  kTag = 5,
  kException = 6,
  // An exported function.
  kFunction = 7,
  // An error that the engine made. The wrapper is an error of Node's.
  kError = 8,
  // A reference that JavaScript can only pass on: a struct or an array.
  kReference = 9,
};

inline constexpr size_t kKindCount = 10;

// Those that are a class in the WebAssembly namespace.
inline constexpr std::array kKindsWithClass = {
    Kind::kModule, Kind::kInstance, Kind::kMemory,   Kind::kTable,
    Kind::kGlobal, Kind::kTag,      Kind::kException};

constexpr const char* ClassName(Kind kind) {
  switch (kind) {
    case Kind::kModule:
      return "Module";
    case Kind::kInstance:
      return "Instance";
    case Kind::kMemory:
      return "Memory";
    case Kind::kTable:
      return "Table";
    case Kind::kGlobal:
      return "Global";
    case Kind::kTag:
      return "Tag";
    case Kind::kException:
      return "Exception";
    case Kind::kFunction:
      return "Function";
    case Kind::kError:
      return "Error";
    case Kind::kReference:
      return "reference";
  }
}

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_KIND_H_
