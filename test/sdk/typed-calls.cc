// v8::WasmCaller: exported functions called with numbers that are not boxed.

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "check.h"
#include "engine.h"
#include "v8-wasm-call.h"

using Result = v8::WasmCallResult;
using Type = v8::WasmNumberType;

// In the namespace of the type, where checks look for it.
namespace v8 {
std::ostream& operator<<(std::ostream& stream, WasmCallResult result) {
  return stream << static_cast<int>(result);
}
}  // namespace v8

namespace {

class Calls {
 public:
  Calls() : scope_(engine.isolate()) {
    v8::Local<v8::Object> env = engine.NewObject();
    engine.Set(env, "callback",
               engine.NewFunction(
                   [this](const v8::FunctionCallbackInfo<v8::Value>& info) {
                     if (on_callback) {
                       on_callback(info);
                     }
                   }));
    engine.Set(
        env, "imported",
        engine.NewFunction([](const v8::FunctionCallbackInfo<v8::Value>& info) {
          info.GetReturnValue().Set(7);
        }));
    instance = engine.Instantiate("typed-calls", env);
  }

  v8::Local<v8::Function> Export(const char* name) {
    return engine.Export(instance, name);
  }

  Engine engine;

 private:
  v8::HandleScope scope_;

 public:
  v8::Local<v8::Object> instance;
  Engine::Callback on_callback;
};

}  // namespace

TEST(NumbersOfEveryType) {
  Calls calls;
  v8::Isolate* isolate = calls.engine.isolate();
  v8::Local<v8::Context> context = calls.engine.context();

  const v8::WasmTypedCaller<int32_t(int32_t, int32_t)> add(isolate);
  int32_t sum = 0;
  CHECK_EQ(add.Call(context, calls.Export("add"), &sum, 40, 2), Result::kDone);
  CHECK_EQ(sum, 42);
  CHECK_EQ(add.Call(context, calls.Export("add"), &sum,
                    std::numeric_limits<int32_t>::max(), 1),
           Result::kDone);
  CHECK_EQ(sum, std::numeric_limits<int32_t>::min());

  const v8::WasmTypedCaller<double(int32_t, int64_t, float, double)> mixed(
      isolate);
  double total = 0;
  CHECK_EQ(mixed.Call(context, calls.Export("mixed"), &total, -1,
                      int64_t{1} << 40, 0.5f, 0.25),
           Result::kDone);
  CHECK_EQ(total, std::ldexp(1, 40) - 0.25);
}

TEST(SeveralResults) {
  Calls calls;
  std::unique_ptr<v8::WasmCaller> caller =
      v8::WasmCaller::New(calls.engine.isolate(), {Type::kI64},
                          {Type::kI32, Type::kF64, Type::kI64});
  char values[20];
  const int64_t argument = (int64_t{3} << 32) + 5;
  std::memcpy(values, &argument, sizeof(argument));
  CHECK_EQ(caller->Call(calls.engine.context(), calls.Export("halves"), values),
           Result::kDone);
  int32_t low;
  double high;
  int64_t whole;
  std::memcpy(&low, values, 4);
  std::memcpy(&high, values + 4, 8);
  std::memcpy(&whole, values + 12, 8);
  CHECK_EQ(low, 5);
  CHECK_EQ(high, 3.0);
  CHECK_EQ(whole, argument);
}

TEST(OtherFunctionsAreRefused) {
  Calls calls;
  const v8::WasmTypedCaller<int32_t(int32_t, int32_t)> caller(
      calls.engine.isolate());
  v8::Local<v8::Context> context = calls.engine.context();
  int32_t result = -1;
  // Of another type, imported, or of no instance at all.
  for (const char* name : {"mixed", "call", "reference", "imported"}) {
    CHECK_EQ(caller.Call(context, calls.Export(name), &result, 1, 2),
             Result::kOtherFunction);
  }
  const v8::Local<v8::Function> plain = calls.engine.NewFunction(
      [](const v8::FunctionCallbackInfo<v8::Value>&) {});
  CHECK_EQ(caller.Call(context, plain, &result, 1, 2), Result::kOtherFunction);
  CHECK_EQ(result, -1);
}

TEST(TrapsAndExceptions) {
  Calls calls;
  v8::Isolate* isolate = calls.engine.isolate();
  v8::Local<v8::Context> context = calls.engine.context();
  const v8::WasmTypedCaller<int32_t(int32_t, int32_t)> load(isolate);
  const v8::WasmTypedCaller<void(int32_t)> call(isolate);
  int32_t result = -1;
  for (const char* name : {"load", "deep"}) {
    v8::TryCatch try_catch(isolate);
    CHECK_EQ(load.Call(context, calls.Export(name), &result, 65533, 0),
             Result::kException);
    CHECK(try_catch.HasCaught());
    v8::String::Utf8Value text(isolate, try_catch.Exception());
    CHECK_EQ(std::string(*text), name == std::string("load")
                                     ? std::string(kOutOfBounds)
                                     : "RangeError: Maximum call stack size "
                                       "exceeded");
  }
  CHECK_EQ(result, -1);
  calls.on_callback = [&](const v8::FunctionCallbackInfo<v8::Value>& info) {
    isolate->ThrowException(info[0]);
  };
  v8::TryCatch try_catch(isolate);
  CHECK_EQ(call.Call(context, calls.Export("call"), 99), Result::kException);
  CHECK_EQ(try_catch.Exception()->Int32Value(context).FromJust(), 99);
  try_catch.Reset();
  // Nothing is left behind.
  CHECK_EQ(load.Call(context, calls.Export("load"), &result, 0, 0),
           Result::kDone);
  CHECK_EQ(result, 0);
}

TEST(CallsWithinCallsAndTerminations) {
  Calls calls;
  v8::Isolate* isolate = calls.engine.isolate();
  v8::Local<v8::Context> context = calls.engine.context();
  const v8::WasmTypedCaller<int32_t(int32_t, int32_t)> add(isolate);
  const v8::WasmTypedCaller<void(int32_t)> call(isolate);
  int32_t sum = 0;
  calls.on_callback = [&](const v8::FunctionCallbackInfo<v8::Value>&) {
    CHECK_EQ(add.Call(context, calls.Export("add"), &sum, 1, 2), Result::kDone);
    calls.engine.CollectGarbage();
  };
  CHECK_EQ(call.Call(context, calls.Export("call"), 0), Result::kDone);
  CHECK_EQ(sum, 3);
  calls.on_callback = [&](const v8::FunctionCallbackInfo<v8::Value>&) {
    isolate->TerminateExecution();
    // Optimized functions that call nothing do not look.
    CHECK_EQ(add.Call(context, calls.Export("deep"), &sum, 1, 2),
             Result::kException);
  };
  v8::TryCatch try_catch(isolate);
  CHECK_EQ(call.Call(context, calls.Export("call"), 0), Result::kException);
  CHECK(try_catch.HasTerminated());
  isolate->CancelTerminateExecution();
}
