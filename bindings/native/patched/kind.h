// What an object of the inner engine is, as far as the binding cares: `Kind`.

#ifndef BINDINGS_NATIVE_PATCHED_KIND_H_
#define BINDINGS_NATIVE_PATCHED_KIND_H_

#include <array>
#include <cstddef>

#include "common/numbers.h"

namespace rawmem {

inline constexpr size_t kKindCount = static_cast<size_t>(Kind::kReference) + 1;

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
