// Native contenders of the benchmark, as a Node-API addon: loops over memory of
// the process, and the system calls that a window could be switched with. What
// is timed is timed in here. Arguments come from bench/native/native.ts only.

#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "kernels.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Arguments {
  static constexpr size_t kMost = 12;
  Arguments(napi_env env, napi_callback_info info) : env(env) {
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  double Number(size_t index) const {
    double number = NAN;
    napi_get_value_double(env, values[index], &number);
    return number;
  }
  size_t Size(size_t index) const { return static_cast<size_t>(Number(index)); }
  // Of the first byte that a typed array shows.
  uint8_t* Address(size_t index) const {
    void* data = nullptr;
    napi_get_typedarray_info(env, values[index], nullptr, nullptr, &data,
                             nullptr, nullptr);
    return static_cast<uint8_t*>(data);
  }

  napi_env env;
  size_t count = kMost;
  napi_value values[kMost];
};

napi_value ToNumber(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

napi_value ToBigInt(napi_env env, int64_t number) {
  napi_value value;
  napi_create_bigint_int64(env, number, &value);
  return value;
}

napi_value ToValue(napi_env env, double number) {
  return ToNumber(env, number);
}

napi_value ToValue(napi_env env, int64_t number) {
  return ToBigInt(env, number);
}

// [result, seconds]
napi_value Timed(napi_env env, napi_value result, double seconds) {
  napi_value pair;
  napi_create_array_with_length(env, 2, &pair);
  napi_set_element(env, pair, 0, result);
  napi_set_element(env, pair, 1, ToNumber(env, seconds));
  return pair;
}

napi_value ThrowErrno(napi_env env, const char* call) {
  napi_throw_error(env, call, strerror(errno));
  return nullptr;
}

const Kernels& KernelsAt(size_t variant) {
  return variant == 0 ? kKernelsScalar
                      : (variant == 1 ? kKernelsSimd : kKernelsWide);
}

// sum(variant, loop, firstByte, byteLength, passes): the loops are those of
// bench/native/native.ts, in its order. The seconds are those of one pass.
napi_value Sum(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Kernels& kernels = KernelsAt(arguments.Size(0));
  const size_t loop = arguments.Size(1);
  const uint8_t* data = arguments.Address(2);
  const size_t length = arguments.Size(3);
  const size_t passes = arguments.Size(4);
  auto timed = [&](auto sum, auto* values) {
    const size_t count = length / sizeof(*values);
    const auto start = Clock::now();
    auto result = sum(values, count);
    for (size_t pass = 1; pass < passes; ++pass)
      result = sum(values, count);
    const double seconds = SecondsSince(start) / static_cast<double>(passes);
    return Timed(env, ToValue(env, result), seconds);
  };
  const auto* doubles = reinterpret_cast<const double*>(data);
  switch (loop) {
    case 0:
      return timed(kernels.sum_i32, reinterpret_cast<const int32_t*>(data));
    case 1:
      return timed(kernels.sum_i64, reinterpret_cast<const int64_t*>(data));
    case 2:
      return timed(kernels.sum_f32, reinterpret_cast<const float*>(data));
    case 3:
      return timed(kernels.sum_f64, doubles);
    case 4:
      return timed(kernels.sum_f64_by_four, doubles);
    default:
      return timed(kernels.sum_f64_by_eight, doubles);
  }
}

// q6(variant, firstByte, byteLength, layout, parameters): typed arrays of
// doubles, in the order of the structs.
napi_value Q6(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto* sizes = reinterpret_cast<const double*>(arguments.Address(3));
  const auto* bounds = reinterpret_cast<const double*>(arguments.Address(4));
  auto size = [&](int i) { return static_cast<size_t>(sizes[i]); };
  const BlockLayout layout = {size(0), size(1), size(2),
                              size(3), size(4), size(5)};
  const Q6Arguments q6 = {
      static_cast<int32_t>(bounds[0]), static_cast<int32_t>(bounds[1]),
      static_cast<int16_t>(bounds[2]), static_cast<int16_t>(bounds[3]),
      static_cast<int16_t>(bounds[4])};
  const auto start = Clock::now();
  const int64_t revenue =
      KernelsAt(arguments.Size(0))
          .q6(arguments.Address(1), arguments.Size(2), layout, q6);
  const double seconds = SecondsSince(start);
  return Timed(env, ToBigInt(env, revenue), seconds);
}

// copy(to, from, byteLength): seconds of one memcpy.
napi_value Copy(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  uint8_t* to = arguments.Address(0);
  const uint8_t* from = arguments.Address(1);
  const size_t length = arguments.Size(2);
  const auto start = Clock::now();
  memcpy(to, from, length);
  return ToNumber(env, SecondsSince(start));
}

// A window of address space, and memory of twice its size to be shown there.
struct RewiredWindow {
  int file = -1;
  uint8_t* window = nullptr;
  size_t length = 0;

  ~RewiredWindow() {
    if (window != nullptr)
      munmap(window, length);
    if (file >= 0)
      close(file);
  }
};

// remap(byteLength, switches, touch): seconds that it takes, per switch, to
// show the one and the other half of a memfd in a window by mmap(MAP_FIXED),
// and, with `touch`, to read a byte of each page that is there then.
napi_value Remap(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  RewiredWindow rewired;
  rewired.length = arguments.Size(0);
  const size_t switches = arguments.Size(1);
  const bool touch = arguments.Number(2) != 0;
  rewired.file = memfd_create("v8-rawmem-bench", MFD_CLOEXEC);
  if (rewired.file < 0)
    return ThrowErrno(env, "memfd_create");
  if (ftruncate(rewired.file, static_cast<off_t>(2 * rewired.length)) != 0)
    return ThrowErrno(env, "ftruncate");
  // Pages that exist: only how they come to be seen is measured.
  if (touch && fallocate(rewired.file, 0, 0,
                         static_cast<off_t>(2 * rewired.length)) != 0) {
    return ThrowErrno(env, "fallocate");
  }
  void* window = mmap(nullptr, rewired.length, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (window == MAP_FAILED)
    return ThrowErrno(env, "mmap");
  rewired.window = static_cast<uint8_t*>(window);

  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  uint64_t touched = 0;
  const auto start = Clock::now();
  for (size_t i = 0; i < switches; ++i) {
    const auto offset = static_cast<off_t>(i % 2 * rewired.length);
    if (mmap(window, rewired.length, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, rewired.file, offset) == MAP_FAILED) {
      return ThrowErrno(env, "mmap");
    }
    if (touch) {
      for (size_t at = 0; at < rewired.length; at += page)
        touched += *const_cast<volatile uint8_t*>(rewired.window + at);
    }
  }
  const double seconds = SecondsSince(start) / static_cast<double>(switches);
  return touched == 0 ? ToNumber(env, seconds) : nullptr;
}

void Export(napi_env env,
            napi_value exports,
            const char* name,
            napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr,
                       &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace
}  // namespace bench

extern "C" __attribute__((visibility("default"))) napi_value
napi_register_module_v1(napi_env env, napi_value exports) {
  bench::Export(env, exports, "sum", bench::Sum);
  bench::Export(env, exports, "q6", bench::Q6);
  bench::Export(env, exports, "copy", bench::Copy);
  bench::Export(env, exports, "remap", bench::Remap);
  return exports;
}
