// The functions of the module "rawmem", by which a program chooses what its
// host windows show.

#ifndef BINDINGS_NATIVE_PATCHED_HOST_WINDOWS_H_
#define BINDINGS_NATIVE_PATCHED_HOST_WINDOWS_H_

#include <node_api.h>

#include <memory>

#include "agent.h"
#include "common/napi/arguments.h"
#include "common/napi/reference.h"
#include "native_import.h"
#include "v8-function.h"
#include "v8-local-handle.h"

namespace rawmem {

class HostWindows;

// One of the three. Owned by the function of Node's that stands for it.
class HostWindowFunction {
 public:
  enum class Kind { kNext, kMap, kSize };

  // Defines `exports.hostWindows`, the functions that
  // bindings/backends/patched/host-windows.ts calls. False, with an exception
  // pending, on failure.
  static bool Init(napi_env env, napi_value exports);

  // Null if `value` is none.
  static HostWindowFunction* From(Agent* agent, napi_value value);

  // What an instance imports in its place. Empty, with an exception pending in
  // Node, on failure.
  v8::MaybeLocal<v8::Function> Inner();

 private:
  HostWindowFunction(std::shared_ptr<HostWindows> windows, Kind kind)
      : windows_(std::move(windows)), kind_(kind) {}

  static napi_value Wrap(napi_env env,
                         std::unique_ptr<HostWindowFunction> function);

  static napi_value Create(const Arguments& args);
  static napi_value Set(const Arguments& args);
  static napi_value CallOuter(const Arguments& args);
  static void CallInner(const v8::FunctionCallbackInfo<v8::Value>& info);

  const std::shared_ptr<HostWindows> windows_;
  const Kind kind_;
  WeakReference outer_;
  NativeImport import_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_HOST_WINDOWS_H_
