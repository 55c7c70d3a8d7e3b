#include "node_isolate.h"

#include <dlfcn.h>

#include "common/napi/exceptions.h"
#include "common/napi/handle_scope.h"

namespace rawmem {

namespace {

// Functions of Node's V8. A local handle is a void*.
struct NodeV8 {
  using Isolate = void;

  Isolate* (*get_current)() = nullptr;
  void* (*get_current_context)(Isolate*) = nullptr;
  void (*terminate_execution)(Isolate*) = nullptr;
  void (*cancel_terminate_execution)(Isolate*) = nullptr;
  bool (*is_execution_terminating)(Isolate*) = nullptr;
  void* (*object_get)(void* object, void* context, void* key) = nullptr;

  // Null where they are not to be had.
  static const NodeV8* Get() {
    static const NodeV8 functions;
    return functions.is_complete_ ? &functions : nullptr;
  }

 private:
  NodeV8() {
    is_complete_ =
        Find("_ZN2v87Isolate10GetCurrentEv", &get_current) &&
        Find("_ZN2v87Isolate17GetCurrentContextEv", &get_current_context) &&
        Find("_ZN2v87Isolate18TerminateExecutionEv", &terminate_execution) &&
        Find("_ZN2v87Isolate24CancelTerminateExecutionEv",
             &cancel_terminate_execution) &&
        Find("_ZN2v87Isolate22IsExecutionTerminatingEv",
             &is_execution_terminating) &&
        Find("_ZN2v86Object3GetENS_5LocalINS_7ContextEEENS1_INS_5ValueEEE",
             &object_get);
  }

  // All of them have to be in one file, which is not this addon: the V8 inside
  // has functions of the same names.
  template <typename Function>
  bool Find(const char* name, Function* function) {
    void* address = dlsym(RTLD_DEFAULT, name);
    Dl_info own, found;
    if (address == nullptr ||
        dladdr(reinterpret_cast<const void*>(&NodeV8::Get), &own) == 0 ||
        dladdr(address, &found) == 0 || found.dli_fbase == own.dli_fbase ||
        (file_ != nullptr && found.dli_fbase != file_)) {
      return false;
    }
    file_ = found.dli_fbase;
    *function = reinterpret_cast<Function>(address);
    return true;
  }

  void* file_ = nullptr;
  bool is_complete_ = false;
};

}  // namespace

void NodeIsolate::SetProbe(napi_value probe) {
  probe_ = StrongReference(env_, probe);
}

napi_value NodeIsolate::TakeException() {
  bool pending = false;
  napi_value exception = nullptr;
  if (napi_is_exception_pending(env_, &pending) == napi_ok && pending) {
    napi_get_and_clear_last_exception(env_, &exception);
  }
  return exception;
}

bool NodeIsolate::IsTerminating() {
  const NodeV8* v8 = NodeV8::Get();
  return v8 != nullptr && v8->is_execution_terminating(v8->get_current());
}

NodeIsolate::Answer NodeIsolate::Ask() {
  const napi_value probe = probe_.Value();
  napi_value key;
  bool pending = false;
  bool ignored;
  if (napi_is_exception_pending(env_, &pending) != napi_ok || pending ||
      probe == nullptr || napi_create_uint32(env_, 0, &key) != napi_ok ||
      // Fails if Node lets no more JavaScript run in this environment, too.
      napi_has_property(env_, probe, key, &ignored) == napi_ok) {
    return Answer::kGoesOn;
  }
  const bool is_terminating = IsTerminating();
  const napi_value exception = TakeException();
  napi_valuetype type = napi_null;
  if (exception != nullptr) {
    napi_typeof(env_, exception, &type);
  }
  // A termination reads as null.
  if (!is_terminating && type != napi_null) {
    return Answer::kStackOverflow;
  }
  Cancel();
  return Answer::kStops;
}

void NodeIsolate::Cancel() {
  // V8 of Node 22 and later forgets by itself.
  if (const NodeV8* v8 = NodeV8::Get()) {
    v8->cancel_terminate_execution(v8->get_current());
  }
}

bool NodeIsolate::IsStopping() {
  const HandleScope scope(env_);
  return !scope.is_open() || Ask() == Answer::kStops;
}

bool NodeIsolate::IsClosed() {
  bool pending = false;
  // Whether JavaScript may run is looked at before the arguments.
  return napi_is_exception_pending(env_, &pending) == napi_ok && !pending &&
         napi_has_property(env_, nullptr, nullptr, nullptr) != napi_invalid_arg;
}

bool NodeIsolate::FindStackLimit(uintptr_t lowest, uintptr_t* limit) {
  const HandleScope scope(env_);
  *limit = scope.is_open() ? Descend(lowest) : 0;
  return *limit != 0;
}

// In steps that are small beside what Node's V8 bears below its limit. Gives 0
// if JavaScript stops.
[[gnu::noinline]] uintptr_t NodeIsolate::Descend(uintptr_t lowest) {
  volatile char step[8 * 1024];
  step[0] = 0;
  const auto position = reinterpret_cast<uintptr_t>(&step[0]);
  const Answer answer = position <= lowest ? Answer::kStackOverflow : Ask();
  if (answer != Answer::kGoesOn) {
    return answer == Answer::kStops ? 0 : position + sizeof(step);
  }
  const uintptr_t limit = Descend(lowest);
  // Not a tail call.
  step[0] = 1;
  return limit;
}

bool NodeIsolate::HasStopped() {
  const NodeV8* v8 = NodeV8::Get();
  if (IsTerminating()) {
    TakeException();
    Cancel();
    return true;
  }
  bool pending = false;
  napi_is_exception_pending(env_, &pending);
  if (!pending) {
    return IsStopping();
  }
  if (v8 != nullptr) {
    return false;
  }
  // Code may have thrown that null as well.
  const napi_value exception = TakeException();
  napi_valuetype type = napi_object;
  napi_typeof(env_, exception, &type);
  const bool has_stopped = type == napi_null && IsStopping();
  if (!has_stopped) {
    napi_throw(env_, exception);
  }
  return has_stopped;
}

void NodeIsolate::Raise() {
  TakeException();
  const NodeV8* v8 = NodeV8::Get();
  const napi_value probe = probe_.Value();
  napi_value key = nullptr;
  if (v8 == nullptr || probe == nullptr ||
      napi_create_uint32(env_, 0, &key) != napi_ok) {
    ThrowError(env_, "WebAssembly was interrupted");
    return;
  }
  NodeV8::Isolate* isolate = v8->get_current();
  v8->terminate_execution(isolate);
  v8->object_get(probe, v8->get_current_context(isolate), key);
}

}  // namespace rawmem
