// Turnover, range and distribution of trades: an ordinary program in C++. The
// columns are two files that the host has mapped: prices (double) and volumes
// (uint32_t), read in lockstep.

#include <rawmem.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <unordered_map>

namespace {

constexpr int kPrices = 0;
constexpr int kVolumes = 1;
constexpr size_t kBuckets = 8;
// The columns of a block fill whole pages, which node-rewire maps.
constexpr size_t kBlock = 1 << 17;

// A column of a region, block by block.
template <typename T>
class Column {
 public:
  explicit Column(int window) : window_(window) {}

  uint64_t size() const { return rawmem_size(window_) / sizeof(T); }

  // Valid until the next call.
  const T* Block(uint64_t first, size_t* count) const {
    size_t length;
    const void* block =
        rawmem_map(window_, first * sizeof(T), kBlock * sizeof(T), &length);
    *count = length / sizeof(T);
    return static_cast<const T*>(block);
  }

 private:
  int window_;
};

// A static with a constructor.
std::unordered_map<unsigned, uint64_t> by_price;

}  // namespace

// For the host, which finds it by the exported address of `result`.
struct Result {
  double turnover = 0;
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
  uint64_t trades = 0;
  uint64_t volume = 0;
  std::array<uint64_t, kBuckets> histogram = {};
};
extern "C" {
Result result;
}

int main(int argc, char* argv[]) {
  const Column<double> prices(kPrices);
  const Column<uint32_t> volumes(kVolumes);
  if (prices.size() != volumes.size()) {
    std::fputs("the columns differ in length\n", stderr);
    return 2;
  }
  std::array<uint64_t, kBuckets> histogram = {};
  while (result.trades < prices.size()) {
    size_t count, volumes_count;
    const double* price = prices.Block(result.trades, &count);
    const uint32_t* volume = volumes.Block(result.trades, &volumes_count);
    if (volumes_count != count)
      return 3;
    for (size_t i = 0; i < count; ++i) {
      result.turnover += price[i] * volume[i];
      result.volume += volume[i];
      result.lowest = std::min(result.lowest, price[i]);
      result.highest = std::max(result.highest, price[i]);
      ++histogram[std::min(static_cast<size_t>(price[i]) / 8, kBuckets - 1)];
      by_price[static_cast<unsigned>(price[i])] += volume[i];
    }
    result.trades += count;
  }
  result.histogram = histogram;

  const auto busiest = std::max_element(
      by_price.begin(), by_price.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second < b.second : a.first > b.first;
      });
  std::string text = argc > 1 ? argv[1] : "trades";
  text += "\n" + std::to_string(result.trades) + " trades, volume " +
          std::to_string(result.volume) + ", turnover ";
  std::printf("%s%.0f\n", text.c_str(), result.turnover);
  std::printf("price %.0f to %.0f, busiest at %u\n", std::floor(result.lowest),
              std::ceil(result.highest),
              busiest == by_price.end() ? 0 : busiest->first);
  for (size_t i = 0; i < kBuckets; ++i) {
    std::printf("%2zu: %llu\n", 8 * i,
                static_cast<unsigned long long>(histogram[i]));
  }
  return 0;
}
