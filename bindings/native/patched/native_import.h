// Inner functions that stand for functions of Node's which C++ objects own, so
// that calls from WebAssembly reach these objects without JavaScript.

#ifndef BINDINGS_NATIVE_PATCHED_NATIVE_IMPORT_H_
#define BINDINGS_NATIVE_PATCHED_NATIVE_IMPORT_H_

#include "agent.h"
#include "common/napi/reference.h"
#include "v8-function.h"
#include "v8-local-handle.h"

namespace rawmem {

// A member of the object, which must have the agent keep to its end. Instances
// refer to the inner function for as long as the inner garbage collector likes,
// so that may outlive the object.
class NativeImport final {
 public:
  NativeImport() = default;
  NativeImport(const NativeImport&) = delete;
  NativeImport& operator=(const NativeImport&) = delete;
  ~NativeImport();

  // What instances import in place of `outer`, the function of Node's, which is
  // kept by what imports it. Empty, with an exception pending in Node, on
  // failure.
  v8::MaybeLocal<v8::Function> Function(Agent* agent,
                                        v8::FunctionCallback callback,
                                        void* owner,
                                        const WeakReference& outer);

  // The object, for `callback`. Null, with an exception pending in the inner
  // engine, if it has gone.
  template <typename T>
  static T* Owner(const v8::FunctionCallbackInfo<v8::Value>& info) {
    return static_cast<T*>(OwnerOf(info));
  }

 private:
  struct Target;

  static void* OwnerOf(const v8::FunctionCallbackInfo<v8::Value>& info);

  // Null until the first instance imports it, and after the isolate has gone.
  Target* target_ = nullptr;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_NATIVE_IMPORT_H_
