// The loops that WebAssembly is measured against. This file is compiled several
// times, with the flags of a variant, its name as KERNELS_VARIANT, and the
// number of rows that its vectors do best with as KERNELS_ROWS_AT_ONCE.

#include "kernels.h"

namespace bench {
namespace {

int64_t SumI32(const int32_t* values, size_t count) {
  int64_t sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += values[i];
  return sum;
}

int64_t SumI64(const int64_t* values, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += static_cast<uint64_t>(values[i]);
  return static_cast<int64_t>(sum);
}

// Additions of floating-point numbers cannot be reordered, so the loop says in
// which order they are made: eight sums, one for each index modulo eight.
float SumF32(const float* values, size_t count) {
  float sums[8] = {};
  for (size_t i = 0; i < count; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane)
      sums[lane] += values[i + lane];
  }
  const float a = sums[0] + sums[4], b = sums[1] + sums[5];
  const float c = sums[2] + sums[6], d = sums[3] + sums[7];
  return (a + b) + (c + d);
}

template <size_t kSums>
double SumF64(const double* values, size_t count) {
  double sums[kSums] = {};
  for (size_t i = 0; i < count; i += kSums) {
    for (size_t lane = 0; lane < kSums; ++lane)
      sums[lane] += values[i + lane];
  }
  double total = 0;
  for (double sum : sums)
    total += sum;
  return total;
}

template <typename Value>
const Value* Column(const uint8_t* block, size_t offset) {
  return reinterpret_cast<const Value*>(block + offset);
}

int64_t RunQ6(const uint8_t* blocks,
              size_t bytes,
              const BlockLayout& layout,
              const Q6Arguments& q6) {
  // Some rows at a time: the loops over them become vector operations.
  constexpr size_t kRows = KERNELS_ROWS_AT_ONCE;
  int64_t revenue = 0;
  for (size_t begin = 0; begin < bytes; begin += layout.block_bytes) {
    const uint8_t* block = blocks + begin;
    const auto* shipdate = Column<int32_t>(block, layout.shipdate);
    const auto* price = Column<int32_t>(block, layout.extendedprice);
    const auto* quantity = Column<int16_t>(block, layout.quantity);
    const auto* discount = Column<int16_t>(block, layout.discount);
    for (size_t row = 0; row < layout.block_rows; row += kRows) {
      // The discount where the row counts, else 0.
      int16_t counted[kRows];
      for (size_t i = 0; i < kRows; ++i) {
        const bool counts = (shipdate[row + i] >= q6.shipdate_from) &
                            (shipdate[row + i] < q6.shipdate_before) &
                            (discount[row + i] >= q6.discount_from) &
                            (discount[row + i] <= q6.discount_to) &
                            (quantity[row + i] < q6.quantity_below);
        counted[i] =
            static_cast<int16_t>(discount[row + i] & -static_cast<int>(counts));
      }
      // A price times a discount has less than 31 bits.
      int32_t products[kRows];
      for (size_t i = 0; i < kRows; ++i)
        products[i] = price[row + i] * counted[i];
      for (size_t i = 0; i < kRows; ++i)
        revenue += products[i];
    }
  }
  return revenue;
}

}  // namespace

#define BENCH_CONCATENATE_NAMES(a, b) a##b
#define BENCH_CONCATENATE(a, b) BENCH_CONCATENATE_NAMES(a, b)

extern const Kernels BENCH_CONCATENATE(kKernels, KERNELS_VARIANT);
const Kernels BENCH_CONCATENATE(kKernels, KERNELS_VARIANT) = {
    SumI32, SumI64, SumF32, SumF64<1>, SumF64<4>, SumF64<8>, RunQ6};

}  // namespace bench
