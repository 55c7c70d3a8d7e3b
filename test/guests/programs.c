// What compiled programs do with windows, as exports that give a number each. The same bytes must give the same numbers, whether
// they are in windows or were copied to the addresses of windows.

#include <math.h>
#include <rawmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name)))

static uint64_t mix(uint64_t hash, uint64_t value) {
  return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
}

static const uint8_t *all(int window, size_t *length) {
  return rawmem_map(window, 0, rawmem_size(window), length);
}

// Vectorised by the compiler, unrolled by constant offsets.
EXPORT(sums) uint64_t sums(void) {
  size_t length;
  const uint8_t *bytes = all(0, &length);
  uint64_t hash = 0;
  uint32_t byte_sum = 0;
  for (size_t i = 0; i < length; ++i) byte_sum += bytes[i];
  const int16_t *shorts = (const int16_t *)bytes;
  int32_t short_sum = 0;
  for (size_t i = 0; i < length / 2; ++i) short_sum += shorts[i];
  const uint64_t *longs = (const uint64_t *)bytes;
  uint64_t long_sum = 0;
  for (size_t i = 0; i < length / 8; ++i) long_sum += longs[i] * (i + 1);
  hash = mix(hash, byte_sum);
  hash = mix(hash, (uint32_t)short_sum);
  return mix(hash, long_sum);
}

EXPORT(doubles) double doubles(void) {
  size_t length;
  const int32_t *numbers = (const int32_t *)all(0, &length);
  double sum = 0, largest = -INFINITY;
  for (size_t i = 0; i < length / 4; ++i) {
    const double number = numbers[i] / 1024.0;
    sum += number;
    largest = fmax(largest, fabs(number));
  }
  return sum + largest;
}

// Every alignment, and a stride that meets the ends.
EXPORT(unaligned) uint64_t unaligned(void) {
  size_t length;
  const uint8_t *bytes = all(1, &length);
  uint64_t hash = 0;
  for (size_t at = 0; at + 8 <= length; at += 13) {
    uint64_t value;
    memcpy(&value, bytes + at, sizeof value);
    hash = mix(hash, value);
  }
  uint64_t last;
  memcpy(&last, bytes + length - 8, sizeof last);
  return mix(hash, last);
}

static int compare(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

// Copies into the heap, and works there.
EXPORT(sorted) uint64_t sorted(void) {
  size_t length;
  const uint8_t *bytes = all(1, &length);
  const size_t count = length / 4;
  uint32_t *copy = malloc(count * sizeof *copy);
  if (!copy) return 1;
  memcpy(copy, bytes, count * sizeof *copy);
  qsort(copy, count, sizeof *copy, compare);
  uint64_t hash = 0;
  for (size_t i = 0; i < count; ++i) hash = mix(hash, copy[i]);
  free(copy);
  return hash;
}

// The functions of the C library get pointers into windows.
EXPORT(library) uint64_t library(void) {
  size_t first_length, second_length;
  const uint8_t *first = all(0, &first_length), *second = all(1, &second_length);
  uint64_t hash = mix(0, (uint64_t)(memcmp(first, second, second_length) > 0));
  for (const uint8_t *at = first; (at = memchr(at, 10, first + first_length - at)); ++at) {
    hash = mix(hash, (uint64_t)(at - first));
  }
  char text[64];
  for (size_t i = 0; i < 1000; ++i) {
    snprintf(text, sizeof text, "%zu: %02x%02x", i, first[i], second[i]);
    hash = mix(hash, strlen(text) + (unsigned char)text[strlen(text) - 1]);
  }
  return hash;
}

// From window to window, over each other as well, and bytes of the program into a window.
EXPORT(stores) uint64_t stores(void) {
  size_t first_length, second_length;
  uint8_t *first = (uint8_t *)all(0, &first_length), *second = (uint8_t *)all(1, &second_length);
  static const char pattern[] = "a static of the program";
  memcpy(first + 5, second + 3, second_length - 3);
  memmove(first + 1, first, 5000);
  memset(second, 0x5a, 777);
  memcpy(second + second_length - sizeof pattern, pattern, sizeof pattern);
  for (size_t i = 1000; i < second_length; i += 3) second[i] ^= first[i];
  uint64_t hash = 0;
  for (size_t i = 0; i < first_length; ++i) hash = mix(hash, first[i]);
  for (size_t i = 0; i < second_length; ++i) hash = mix(hash, second[i]);
  return hash;
}

// Lines, of which windows cut some.
EXPORT(lines) uint64_t lines(void) {
  uint64_t hash = 0;
  size_t length, used = RAWMEM_ALL;
  const char *chunk;
  while ((chunk = rawmem_next(0, used, &length))) {
    size_t begin = 0;
    for (size_t at = 0; at < length; ++at) {
      if (chunk[at] != 10) continue;
      for (; begin <= at; ++begin) hash = mix(hash, (uint8_t)chunk[begin]);
      hash = mix(hash, begin);
      hash = hash << 1 | hash >> 63;
    }
    used = begin;
  }
  return hash;
}

// Both windows move, in turns, while the values of the last ones are on the stack.
EXPORT(turns) uint64_t turns(void) {
  uint64_t hash = 0;
  uint8_t kept[16] = {0};
  for (unsigned turn = 0; turn < 200; ++turn) {
    size_t length, other;
    const uint8_t *a = rawmem_map(0, turn * 97u, 1000 + turn, &length);
    const uint8_t *b = rawmem_map(1, turn * 31u, 500 + turn, &other);
    for (size_t i = 0; i < length; ++i) kept[i % 16] += a[i] ^ b[i % other];
    hash = mix(hash, kept[turn % 16] + length * 3 + other);
  }
  return hash;
}

// Through pointers in memory, to functions in a table.
static uint64_t first_of(const uint8_t *bytes, size_t length) { return bytes[0] + length; }
static uint64_t last_of(const uint8_t *bytes, size_t length) { return bytes[length - 1]; }
EXPORT(pointers) uint64_t pointers(void) {
  uint64_t (*const functions[])(const uint8_t *, size_t) = {first_of, last_of};
  struct Part {
    const uint8_t *bytes;
    size_t length;
  } *parts = calloc(100, sizeof *parts);
  size_t length;
  const uint8_t *bytes = all(0, &length);
  for (size_t i = 0; i < 100; ++i) {
    parts[i] = (struct Part){bytes + i * 1000, 1 + (i * 37) % 900};
  }
  uint64_t hash = 0;
  for (size_t i = 0; i < 100; ++i) {
    hash = mix(hash, functions[i % 2](parts[i].bytes, parts[i].length));
  }
  free(parts);
  return hash;
}
