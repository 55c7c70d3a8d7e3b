// What the pointers to C++ mean that inner objects hold. V8 checks the numbers,
// so that one is not taken for another.

#ifndef BINDINGS_NATIVE_PATCHED_POINTER_TAGS_H_
#define BINDINGS_NATIVE_PATCHED_POINTER_TAGS_H_

#include "v8-external.h"

namespace rawmem {

enum PointerTag : v8::ExternalPointerTypeTag {
  kHandlePointer = 1,
  kImportPointer,
  kCompilationPointer,
  kCodeLoaderPointer,
  kHostedMemoryPointer,
  kNativeImportPointer,
  kAttachmentsPointer,
  kAgentPointer,
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_POINTER_TAGS_H_
