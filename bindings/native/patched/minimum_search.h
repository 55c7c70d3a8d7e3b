// The minimum that code declares for a memory, found by attaching: the engine
// does not say it.

#ifndef BINDINGS_NATIVE_PATCHED_MINIMUM_SEARCH_H_
#define BINDINGS_NATIVE_PATCHED_MINIMUM_SEARCH_H_

#include <cstddef>
#include <cstdint>

#include "agent.h"
#include "v8-local-handle.h"
#include "v8-object.h"
#include "v8-wasm.h"

namespace rawmem {

struct Attachment;

// The smallest size, in bytes, that `memory` accepts. JavaScript does not see
// the attempts: what it knows of the memory is the same in the end.
size_t FindMinimum(Agent* agent, v8::Local<v8::WasmMemoryObject> memory);

// The same for a memory of an instance, which is pointed at `data`, and in the
// end where it was: at `attached` or, if that is null, at its own memory.
size_t FindMinimum(v8::Local<v8::Object> instance,
                   uint32_t memory_index,
                   uint8_t* data,
                   const Attachment* attached);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_MINIMUM_SEARCH_H_
