// Which pages of a copy-on-write mapping have been stored into.

#ifndef BINDINGS_NATIVE_NODE_STORED_PAGES_H_
#define BINDINGS_NATIVE_NODE_STORED_PAGES_H_

#include <cstddef>
#include <cstdint>

namespace rawmem {

// Copies the pages of [from, from + length) that are no longer those of the
// file to `to`, which lies in a mapping of the same part of that file. `from`
// is page-aligned; bytes from `length` on are left alone. Returns 0 or an
// errno.
int CopyStoredPages(const uint8_t* from, size_t length, uint8_t* to);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_STORED_PAGES_H_
