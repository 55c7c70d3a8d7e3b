// Functions for the console of a debugger.

#ifndef BINDINGS_NATIVE_PATCHED_INSPECTOR_CONSOLE_H_
#define BINDINGS_NATIVE_PATCHED_INSPECTOR_CONSOLE_H_

#include "v8-context.h"
#include "v8-local-handle.h"
#include "v8-object.h"

namespace rawmem {

class Agent;

// bytes(instance, address, length, memoryIndex = 0): a Uint8Array with a copy
// of what the instance sees from `address` on: a host window, the region that
// its memory shows, or the memory itself. The engine knows only the last.
void InstallConsoleFunctions(Agent* agent,
                             v8::Local<v8::Context> context,
                             v8::Local<v8::Object> api);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_INSPECTOR_CONSOLE_H_
