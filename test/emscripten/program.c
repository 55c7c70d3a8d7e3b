// Statics, a heap that grows, printf, and a column in a window.

#include <rawmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int calls;

__attribute__((export_name("work"))) double work(void) {
  ++calls;
  // More than the memory has at first.
  const size_t count = 4 << 20;
  double *numbers = malloc(count * sizeof *numbers);
  if (!numbers) return -1;
  for (size_t i = 0; i < count; ++i) numbers[i] = (double)(i % 1000);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += numbers[i];
  free(numbers);
  printf("call %d: %.0f\n", calls, sum);
  return sum;
}

__attribute__((export_name("column"))) double column(void) {
  double sum = 0;
  size_t length;
  const double *values;
  // Into the heap, by the copy that Emscripten leaves to JavaScript unless it is told not to.
  static double copy[8192];
  while ((values = rawmem_next(0, RAWMEM_ALL, &length)) != NULL) {
    memcpy(copy, values, length);
    for (size_t i = 0; i < length / sizeof *values; ++i) sum += copy[i];
  }
  printf("column: %.0f\n", sum);
  return sum;
}

int main(void) {
  work();
  column();
  return 0;
}
