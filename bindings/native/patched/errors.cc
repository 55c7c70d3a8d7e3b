#include "errors.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/napi/exceptions.h"
#include "handle.h"
#include "raw_memory.h"
#include "v8-primitive.h"
#include "values.h"

namespace rawmem {

namespace {

// Own properties of errors are data that the engine put there; reading them
// runs no code and cannot fail but for lack of memory.
v8::Local<v8::String> StringProperty(Agent* agent,
                                     v8::Local<v8::Object> object,
                                     const char* name) {
  v8::Isolate* isolate = agent->isolate();
  v8::Local<v8::Value> value;
  v8::TryCatch try_catch(isolate);
  if (!object
           ->Get(agent->context(),
                 v8::String::NewFromUtf8(isolate, name).ToLocalChecked())
           .ToLocal(&value) ||
      !value->IsString()) {
    return v8::String::Empty(isolate);
  }
  return value.As<v8::String>();
}

std::u16string Utf16(Agent* agent, v8::Local<v8::String> string) {
  std::u16string result(string->Length(), u'\0');
  string->WriteV2(agent->isolate(), 0, string->Length(),
                  reinterpret_cast<uint16_t*>(result.data()));
  return result;
}

std::u16string Utf16(Agent* agent, const std::string& utf8) {
  v8::Local<v8::String> string;
  return v8::String::NewFromUtf8(agent->isolate(), utf8.c_str())
                 .ToLocal(&string)
             ? Utf16(agent, string)
             : std::u16string();
}

bool NewString(napi_env env, std::u16string_view text, napi_value* result) {
  return napi_create_string_utf16(env, text.data(), text.size(), result) ==
         napi_ok;
}

// Null, with an exception pending, on failure.
napi_value MakeError(Agent* agent,
                     std::u16string_view name,
                     std::u16string_view message,
                     std::u16string_view frames) {
  napi_env env = agent->env();
  napi_value argv[3];
  if (!NewString(env, name, &argv[0]) || !NewString(env, message, &argv[1]) ||
      !NewString(env, frames, &argv[2])) {
    return nullptr;
  }
  return agent->CallHook(Hook::kMakeError, 3, argv);
}

// Which byte at `address` it was, to be put behind what happened.
std::string FaultText(uintptr_t address) {
  const std::string text = FaultRange::Describe(address);
  return text.empty() ? text : ": " + text;
}

void ThrowHeapExhausted(Agent* agent) {
  agent->RestoreHeapLimit();
  ThrowRangeError(
      agent->env(),
      "WebAssembly ran out of memory: the engine's heap, which holds tables, "
      "structs and arrays, is exhausted");
}

}  // namespace

napi_value ErrorToOuter(Agent* agent, v8::Local<v8::Object> error) {
  if (napi_value existing = ExistingWrapper(agent, error)) {
    return existing;
  }
  const std::u16string name =
      Utf16(agent, StringProperty(agent, error, "name"));
  const std::u16string engine_message =
      Utf16(agent, StringProperty(agent, error, "message"));
  const std::u16string stack =
      Utf16(agent, StringProperty(agent, error, "stack"));
  // The stack begins with "name: message", and the message may have lines too.
  const std::u16string header =
      engine_message.empty() ? name : name + u": " + engine_message;
  std::u16string_view frames(stack);
  if (frames.substr(0, header.size()) == header) {
    frames.remove_prefix(header.size());
  }
  if (!frames.empty() && frames.front() == u'\n') {
    frames.remove_prefix(1);
  }
  // The engine's trap knows the code, the fault knows the bytes.
  std::u16string message = engine_message;
  if (name == u"RuntimeError" && agent->faults().trapped != 0) {
    message +=
        Utf16(agent, FaultText(std::exchange(agent->faults().trapped, 0)));
  }
  napi_value result = MakeError(agent, name, message, frames);
  if (result == nullptr ||
      Wrap(agent, result, Kind::kError, error) == nullptr) {
    return nullptr;
  }
  return result;
}

void ThrowToOuter(Agent* agent, v8::TryCatch& try_catch) {
  napi_env env = agent->env();
  if (!try_catch.HasCaught()) {
    ThrowError(env, "v8-rawmem: the engine failed without an exception");
    return;
  }
  const bool terminated = try_catch.HasTerminated();
  v8::Local<v8::Value> exception = try_catch.Exception();
  // As long as it is caught, the engine would not run what follows.
  agent->CancelTermination();
  try_catch.Reset();
  if (agent->node_stops()) {
    // The border passes that on, whatever it was here.
    return;
  }
  if (terminated) {
    if (agent->heap_exhausted()) {
      ThrowHeapExhausted(agent);
    } else if (!ThrowIfPastLimits(agent)) {
      ThrowError(env, "WebAssembly was terminated by a debugger");
    }
    return;
  }
  napi_value outer = ToOuter(agent, exception);
  if (outer != nullptr) {
    napi_throw(env, outer);
  }
}

void ThrowPagesReplaced(Agent* agent) {
  const std::u16string message =
      Utf16(agent, "memory was lost under the call, and read as zeros" +
                       FaultText(agent->faults().replaced));
  if (napi_value error = MakeError(agent, u"RuntimeError", message, u"")) {
    napi_throw(agent->env(), error);
  }
}

bool ThrowIfHeapExhausted(Agent* agent) {
  if (!agent->heap_exhausted()) {
    return false;
  }
  ThrowHeapExhausted(agent);
  return true;
}

void ThrowToInner(Agent* agent) {
  napi_env env = agent->env();
  v8::Isolate* isolate = agent->isolate();
  if (agent->NoticeStop()) {
    agent->EndInnerCall();
    return;
  }
  bool pending = false;
  napi_value exception = nullptr;
  napi_is_exception_pending(env, &pending);
  if (pending) {
    napi_get_and_clear_last_exception(env, &exception);
  }
  if (agent->passed_limits() != nullptr) {
    agent->EndInnerCall();
    return;
  }
  // Code that catches the exception goes on, on its own memory if what threw
  // took the bytes away.
  if (!CheckBorrowed(agent)) {
    napi_get_and_clear_last_exception(env, &exception);
  }
  v8::Local<v8::Value> inner;
  if (exception == nullptr) {
    isolate->ThrowException(v8::Exception::Error(v8::String::NewFromUtf8Literal(
        isolate, "v8-rawmem: a call into JavaScript failed")));
    return;
  }
  if (!ToInner(agent, exception).ToLocal(&inner)) {
    napi_value ignored;
    napi_get_and_clear_last_exception(env, &ignored);
    inner = v8::Exception::RangeError(v8::String::NewFromUtf8Literal(
        isolate, "v8-rawmem: the exception cannot be passed on"));
  }
  isolate->ThrowException(inner);
}

}  // namespace rawmem
