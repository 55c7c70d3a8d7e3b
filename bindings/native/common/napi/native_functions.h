// Functions that TypeScript calls.

#ifndef BINDINGS_NATIVE_COMMON_NAPI_NATIVE_FUNCTIONS_H_
#define BINDINGS_NATIVE_COMMON_NAPI_NATIVE_FUNCTIONS_H_

#include <node_api.h>

#include <initializer_list>

namespace rawmem {

struct NativeFunction {
  const char* name;
  napi_callback callback;
};

// Defines them on `object`; each gets `data`. False, with an exception pending,
// on failure.
bool DefineFunctions(napi_env env,
                     napi_value object,
                     std::initializer_list<NativeFunction> functions,
                     void* data = nullptr);

// The same on a new object, `exports[name]`.
bool DefineFunctionsAs(napi_env env,
                       napi_value exports,
                       const char* name,
                       std::initializer_list<NativeFunction> functions,
                       void* data = nullptr);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NAPI_NATIVE_FUNCTIONS_H_
