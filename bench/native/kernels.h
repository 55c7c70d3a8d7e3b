#ifndef BENCH_NATIVE_KERNELS_H_
#define BENCH_NATIVE_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

namespace bench {

// Where the columns of lineitem begin in a block, see
// samples/query-jit/tpch/lineitem.ts.
struct BlockLayout {
  size_t block_bytes;
  size_t block_rows;
  size_t shipdate;
  size_t extendedprice;
  size_t quantity;
  size_t discount;
};

// Days since 1970-01-01, and hundredths.
struct Q6Arguments {
  int32_t shipdate_from;
  int32_t shipdate_before;
  int16_t discount_from;
  int16_t discount_to;
  int16_t quantity_below;
};

// The loops, as compiled with one set of flags.
struct Kernels {
  int64_t (*sum_i32)(const int32_t* values, size_t count);
  int64_t (*sum_i64)(const int64_t* values, size_t count);
  // `count` is a multiple of 8.
  float (*sum_f32)(const float* values, size_t count);
  // In the order of the values, or by four or eight sums; `count` is a multiple
  // of them.
  double (*sum_f64)(const double* values, size_t count);
  double (*sum_f64_by_four)(const double* values, size_t count);
  double (*sum_f64_by_eight)(const double* values, size_t count);
  // `bytes` is a multiple of layout.block_bytes.
  int64_t (*q6)(const uint8_t* blocks,
                size_t bytes,
                const BlockLayout& layout,
                const Q6Arguments& arguments);
};

extern const Kernels kKernelsScalar;
extern const Kernels kKernelsSimd;
extern const Kernels kKernelsWide;

}  // namespace bench

#endif  // BENCH_NATIVE_KERNELS_H_
