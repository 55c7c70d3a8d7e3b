// Sizes that WebAssembly and JavaScript have laid down.

#ifndef BINDINGS_NATIVE_COMMON_FIXED_SIZES_H_
#define BINDINGS_NATIVE_COMMON_FIXED_SIZES_H_

#include <cstddef>

namespace rawmem {

constexpr size_t kWasmPageSize = 65536;

// Integers up to this one are exact as JavaScript numbers.
constexpr double kMaxExactInteger = 0x1p53;

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_FIXED_SIZES_H_
