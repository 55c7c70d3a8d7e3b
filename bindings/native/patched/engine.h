// The V8 inside of this addon, as opposed to the one that Node runs on. In
// comments throughout, "inner" means this one and "outer" means Node's.

#ifndef BINDINGS_NATIVE_PATCHED_ENGINE_H_
#define BINDINGS_NATIVE_PATCHED_ENGINE_H_

#include <string>

namespace rawmem {

class Platform;

// Initialises V8 for the process on the first call, on whichever thread that
// happens, and returns its platform. Never torn down: threads of the platform
// may still run while the process exits. Null if V8 does not take what
// V8_RAWMEM_FLAGS says.
Platform* Engine();

// Why there is no engine. Empty if there is one.
const std::string& EngineRefusal();

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_ENGINE_H_
