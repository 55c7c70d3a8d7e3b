#include "native_functions.h"

namespace rawmem {

bool DefineFunctions(napi_env env,
                     napi_value object,
                     std::initializer_list<NativeFunction> functions,
                     void* data) {
  for (const auto& [name, callback] : functions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data,
                             &function) != napi_ok ||
        napi_set_named_property(env, object, name, function) != napi_ok) {
      return false;
    }
  }
  return true;
}

bool DefineFunctionsAs(napi_env env,
                       napi_value exports,
                       const char* name,
                       std::initializer_list<NativeFunction> functions,
                       void* data) {
  napi_value object;
  return napi_create_object(env, &object) == napi_ok &&
         DefineFunctions(env, object, functions, data) &&
         napi_set_named_property(env, exports, name, object) == napi_ok;
}

}  // namespace rawmem
