// Calls from TypeScript into the inner engine, which has the WebAssembly
// namespace that they pass through to.

#ifndef BINDINGS_NATIVE_PATCHED_INNER_CALL_H_
#define BINDINGS_NATIVE_PATCHED_INNER_CALL_H_

#include <node_api.h>

#include <string>
#include <vector>

#include "agent.h"
#include "border.h"
#include "common/napi/arguments.h"
#include "handle.h"
#include "kind.h"
#include "v8-context.h"
#include "v8-function.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-object.h"

namespace rawmem {

// One call: its arguments, and the border open.
class InnerCall {
 public:
  explicit InnerCall(const Arguments& arguments)
      : border_(arguments.data<Agent>()), arguments_(arguments) {}
  InnerCall(const InnerCall&) = delete;
  InnerCall& operator=(const InnerCall&) = delete;

  napi_env env() const { return arguments_.env(); }
  const Border& border() const { return border_; }
  Agent* agent() const { return border_.agent(); }
  v8::Isolate* isolate() const { return agent()->isolate(); }
  v8::Local<v8::Context> context() const { return agent()->context(); }
  const Arguments& arguments() const { return arguments_; }
  napi_value operator[](size_t i) const { return arguments_[i]; }
  // See Arguments::Read().
  template <typename... T>
  bool Read(const char* expected, T*... results) const {
    return arguments_.Read(expected, results...);
  }

  // What the wrapper stands for that is argument `i`. Null, with a TypeError
  // pending, if that is not a `kind`.
  Handle* Unwrapped(size_t i, Kind kind) const;

 private:
  const Border border_;
  const Arguments& arguments_;
};

// What Node calls in place of `kFunction`.
template <napi_value (*kFunction)(const InnerCall& call)>
napi_value Enter(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const InnerCall call(arguments);
  return call.border().is_open() ? kFunction(call) : nullptr;
}

v8::Local<v8::String> InnerName(Agent* agent, const std::string& name);

using InnerArguments = std::vector<v8::Local<v8::Value>>;

// Adds to `result`, from an array of shape, value, shape, value, ... False,
// with an exception pending, on failure.
bool BuildArguments(Agent* agent, napi_value array, InnerArguments* result);

// These give false, with an exception pending in Node, on failure.

// `object[name]` in the inner engine.
bool ReadProperty(Entry& entry,
                  v8::Local<v8::Object> object,
                  const std::string& name,
                  v8::Local<v8::Value>* result);
// `object[name](...arguments)`.
bool CallMethod(Entry& entry,
                v8::Local<v8::Object> object,
                const std::string& name,
                InnerArguments arguments,
                v8::Local<v8::Value>* result);
// `new WebAssembly[name](...arguments)`.
bool NewObject(Entry& entry,
               const std::string& name,
               InnerArguments arguments,
               v8::Local<v8::Object>* result);

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_INNER_CALL_H_
