/* Host windows of v8-rawmem, for C and C++. docs/guests.md in the package has
 * whole programs.
 *
 * A window shows a part of a region of the host's memory, such as a mapped
 * file, at a fixed address above the program's own memory. Nothing is copied.
 * There are eight windows, 0 to 7.
 *
 * What a window shows is valid until the next call of rawmem_next or rawmem_map
 * for the same window; the address stays the same. An access behind its end
 * traps, to the byte.
 *
 * An alignment is the host's: one that begins at an odd byte of a file is fine
 * for WebAssembly. Writing through the pointers changes the host's memory. Do
 * so only where the host expects it.
 */
#ifndef RAWMEM_H_
#define RAWMEM_H_

#ifndef __wasm32__
#error \
    "rawmem.h is for wasm32: compile with --target=wasm32-wasip1 or --target=wasm32"
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many windows there are. */
#define RAWMEM_WINDOWS 8

/* For rawmem_next: all bytes of the last chunk are used up. */
#define RAWMEM_ALL ((size_t)-1)

__attribute__((import_module("rawmem"), import_name("next"))) int32_t
rawmem_import_next(int32_t window, int32_t consumed);
__attribute__((import_module("rawmem"), import_name("map"))) int32_t
rawmem_import_map(int32_t window, int64_t offset, int32_t length);
__attribute__((import_module("rawmem"), import_name("size"))) int64_t
rawmem_import_size(int32_t window);
__attribute__((import_module("rawmem"), import_name("progress"))) void
rawmem_import_progress(int32_t window, int64_t position);

/* Where a window begins, whatever it shows. */
static inline void* rawmem_address(int window) {
  return (void*)(UINT32_C(0x80000000) +
                 (uint32_t)window * UINT32_C(0x10000000));
}

/* Brings on the next chunk of the region of `window`.
 *
 * consumed: bytes of the last chunk that are used up; the next chunk begins
 * behind them, so a record that the end of the last chunk has cut is whole
 * then. RAWMEM_ALL: all of them. The first call of a run ignores it. length:
 * receives the bytes of the chunk, 0 at the end of the region. Returns the
 * chunk, or NULL at the end of the region. It has at most as many bytes as the
 * host's option windowSize says: 64 MiB unless the host sets it.
 */
static inline const void* rawmem_next(int window,
                                      size_t consumed,
                                      size_t* length) {
  *length = (size_t)rawmem_import_next(window, (int32_t)consumed);
  return *length == 0 ? NULL : rawmem_address(window);
}

/* Shows `wanted` bytes of the region of `window` from byte `offset` on: for
 * access in any order, and for columns that are read in lockstep. rawmem_next
 * goes on where it was.
 *
 * length: receives the bytes that are there; fewer than wanted where the region
 * ends. Returns them, or NULL if there are none.
 */
static inline const void* rawmem_map(int window,
                                     uint64_t offset,
                                     size_t wanted,
                                     size_t* length) {
  *length = (size_t)rawmem_import_map(window, (int64_t)offset, (int32_t)wanted);
  return *length == 0 ? NULL : rawmem_address(window);
}

/* The bytes of the region of `window`. */
static inline uint64_t rawmem_size(int window) {
  return (uint64_t)rawmem_import_size(window);
}

/* Says that the program is done with the first `position` bytes of the region
 * of `window`, for who watches it. It changes nothing else. A call takes less
 * than a microsecond: some hundred times in a run are enough.
 */
static inline void rawmem_progress(int window, uint64_t position) {
  rawmem_import_progress(window, (int64_t)position);
}

#ifdef __cplusplus
}
#endif

#endif /* RAWMEM_H_ */
