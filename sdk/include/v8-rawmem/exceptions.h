#ifndef V8_RAWMEM_EXCEPTIONS_H_
#define V8_RAWMEM_EXCEPTIONS_H_

#if !defined(__cpp_exceptions)
#error \
    "v8-rawmem/exceptions.h needs exceptions: compile without -fno-exceptions"
#endif

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "v8-array-buffer.h"
#include "v8-context.h"
#include "v8-exception.h"
#include "v8-function-callback.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-object.h"
#include "v8-primitive.h"

// V8's frames cannot be unwound, so no C++ exception may leave a callback. The
// functions here carry one across them, as a JavaScript exception:
//
//   void ReadRow(const v8::FunctionCallbackInfo<v8::Value>& info) {
//     throw std::out_of_range("no such row");
//   }
//   v8::Function::New(context, v8_rawmem::CatchExceptions<ReadRow>)
//   ...
//   // Throws the same std::out_of_range.
//   v8::TryCatch try_catch(isolate);
//   v8::Local<v8::Value> result =
//       v8_rawmem::ToLocalOrThrow(isolate, try_catch, run->Call(...));
namespace v8_rawmem {

// An exception of JavaScript or WebAssembly, such as a trap. what() has its
// text, for example "RuntimeError: unreachable".
class JavaScriptError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Execution was terminated (v8::Isolate::TerminateExecution).
class TerminatedError : public JavaScriptError {
 public:
  using JavaScriptError::JavaScriptError;
};

namespace internal {

inline v8::Local<v8::Private> ExceptionKey(v8::Isolate* isolate) {
  return v8::Private::ForApi(
      isolate, v8::String::NewFromUtf8Literal(isolate, "v8-rawmem/exception"));
}

inline v8::Local<v8::Value> ToError(v8::Isolate* isolate,
                                    std::exception_ptr exception,
                                    const char* text) {
  v8::Local<v8::String> message;
  if (!v8::String::NewFromUtf8(isolate, text).ToLocal(&message))
    message = v8::String::NewFromUtf8Literal(isolate, "C++ exception");
  v8::Local<v8::Value> error = v8::Exception::Error(message);
  // A backing store's deleter runs when its buffer is collected or the isolate
  // is disposed of, whichever comes first.
  v8::Local<v8::ArrayBuffer> holder = v8::ArrayBuffer::New(
      isolate, v8::ArrayBuffer::NewBackingStore(
                   new std::exception_ptr(std::move(exception)),
                   sizeof(std::exception_ptr),
                   [](void* data, size_t, void*) {
                     delete static_cast<std::exception_ptr*>(data);
                   },
                   nullptr));
  error.As<v8::Object>()
      ->SetPrivate(isolate->GetCurrentContext(), ExceptionKey(isolate), holder)
      .Check();
  return error;
}

// Null if the value does not stand for a C++ exception.
inline std::exception_ptr ToException(v8::Isolate* isolate,
                                      v8::Local<v8::Value> error) {
  v8::Local<v8::Context> context;
  v8::Local<v8::Value> holder;
  if (!error->IsObject() ||
      !error.As<v8::Object>()->GetCreationContext(isolate).ToLocal(&context) ||
      !error.As<v8::Object>()
           ->GetPrivate(context, ExceptionKey(isolate))
           .ToLocal(&holder) ||
      !holder->IsArrayBuffer()) {
    return nullptr;
  }
  return *static_cast<std::exception_ptr*>(
      holder.As<v8::ArrayBuffer>()->Data());
}

}  // namespace internal

// Calls `body()`. A C++ exception that leaves it becomes a JavaScript one,
// pending in `isolate`: an Error with the text of what(). Return to V8 then.
// The C++ exception is freed when the Error is collected, on any thread.
template <typename Body>
void CatchExceptions(v8::Isolate* isolate, Body&& body) noexcept {
  v8::HandleScope scope(isolate);
  try {
    body();
  } catch (const TerminatedError&) {
    // V8 goes on with it, in the code around.
    if (!isolate->IsExecutionTerminating())
      isolate->TerminateExecution();
  } catch (const std::exception& exception) {
    isolate->ThrowException(
        internal::ToError(isolate, std::current_exception(), exception.what()));
  } catch (...) {
    isolate->ThrowException(
        internal::ToError(isolate, std::current_exception(), "C++ exception"));
  }
}

// The same for a callback of V8 as a whole: give V8
// CatchExceptions<MyCallback> where MyCallback may throw.
template <v8::FunctionCallback callback>
void CatchExceptions(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  CatchExceptions(info.GetIsolate(), [&] { callback(info); });
}

// The result of a call into V8. If it is empty, throws the exception that
// `try_catch` has: the C++ exception that CatchExceptions made it from, or a
// JavaScriptError. No frame of V8 may be between here and the handler.
template <typename T>
v8::Local<T> ToLocalOrThrow(v8::Isolate* isolate,
                            v8::TryCatch& try_catch,
                            v8::MaybeLocal<T> result) {
  v8::Local<T> value;
  if (result.ToLocal(&value))
    return value;
  if (try_catch.HasTerminated())
    throw TerminatedError("execution was terminated");
  if (!try_catch.HasCaught())
    throw JavaScriptError("no result and no exception");
  v8::Local<v8::Value> error = try_catch.Exception();
  try_catch.Reset();
  if (std::exception_ptr exception = internal::ToException(isolate, error))
    std::rethrow_exception(exception);
  v8::String::Utf8Value text(isolate, error);
  throw JavaScriptError(*text ? *text : "an exception without text");
}

}  // namespace v8_rawmem

#endif  // V8_RAWMEM_EXCEPTIONS_H_
