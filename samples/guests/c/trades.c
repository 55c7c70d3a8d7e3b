// Turnover, range and distribution of trades: an ordinary program in C. The columns are two files
// that the host has mapped: prices (double) and volumes (uint32_t), read in lockstep.

#include <inttypes.h>
#include <math.h>
#include <rawmem.h>
#include <stdio.h>
#include <stdlib.h>

// The columns of a block fill whole pages of the system, which node-rewire maps.
enum { kPrices = 0, kVolumes = 1, kBuckets = 8, kBlock = 1 << 17 };

// For the host, which finds it by the exported address of `result`.
struct Result {
  double turnover;
  double lowest, highest;
  uint64_t trades, volume;
  uint64_t histogram[kBuckets];
};
struct Result result = {.lowest = INFINITY, .highest = -INFINITY};

// Volume by whole price, as long as the highest price needs.
static uint64_t *by_price;
static size_t prices_known;

static void add_volume(size_t price, uint64_t volume) {
  if (price >= prices_known) {
    const size_t known = 2 * price + 1;
    by_price = realloc(by_price, known * sizeof *by_price);
    if (by_price == NULL) abort();
    while (prices_known < known) by_price[prices_known++] = 0;
  }
  by_price[price] += volume;
}

// Adds a block to the result; `histogram` is the caller's.
static void add_block(const double *prices, const uint32_t *volumes, size_t count,
                      uint64_t histogram[kBuckets]) {
  for (size_t i = 0; i < count; ++i) {
    const double price = prices[i];
    result.turnover += price * volumes[i];
    result.volume += volumes[i];
    result.lowest = fmin(result.lowest, price);
    result.highest = fmax(result.highest, price);
    ++histogram[price < 8 * kBuckets ? (size_t)price / 8 : kBuckets - 1];
    add_volume((size_t)price, volumes[i]);
  }
}

int main(int argc, char *argv[]) {
  const uint64_t trades = rawmem_size(kPrices) / sizeof(double);
  if (rawmem_size(kVolumes) / sizeof(uint32_t) != trades) {
    fprintf(stderr, "the columns differ in length\n");
    return 2;
  }
  uint64_t histogram[kBuckets] = {0};
  while (result.trades < trades) {
    size_t prices_length, volumes_length;
    const double *prices = rawmem_map(kPrices, result.trades * sizeof *prices,
                                      kBlock * sizeof *prices, &prices_length);
    const uint32_t *volumes = rawmem_map(kVolumes, result.trades * sizeof *volumes,
                                         kBlock * sizeof *volumes, &volumes_length);
    const size_t count = prices_length / sizeof *prices;
    if (volumes_length / sizeof *volumes != count) abort();
    add_block(prices, volumes, count, histogram);
    result.trades += count;
  }

  size_t busiest = 0;
  for (size_t price = 0; price < prices_known; ++price) {
    if (by_price[price] > by_price[busiest]) busiest = price;
  }
  printf("%s\n", argc > 1 ? argv[1] : "trades");
  printf("%" PRIu64 " trades, volume %" PRIu64 ", turnover %.0f\n", result.trades, result.volume,
         result.turnover);
  printf("price %.0f to %.0f, busiest at %zu\n", floor(result.lowest), ceil(result.highest),
         busiest);
  for (size_t i = 0; i < kBuckets; ++i) {
    printf("%2zu: %" PRIu64 "\n", 8 * i, histogram[i]);
    result.histogram[i] = histogram[i];
  }
  free(by_price);
  return 0;
}
