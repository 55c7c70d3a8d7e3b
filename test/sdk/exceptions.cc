// C++ exceptions that cross V8's frames as JavaScript exceptions.

#include "v8-rawmem/exceptions.h"

#include <memory>
#include <stdexcept>

#include "check.h"
#include "engine.h"

namespace {

struct OutOfRows : std::runtime_error {
  OutOfRows(int row, std::shared_ptr<int> owned)
      : std::runtime_error("no row " + std::to_string(row)),
        row(row),
        owned(std::move(owned)) {}
  int row;
  std::shared_ptr<int> owned;
};

void ThrowInt(const v8::FunctionCallbackInfo<v8::Value>& info) {
  throw 42;
}

// Calls as an embedder would, and gives what reaches it.
v8::Local<v8::Value> Call(Engine& engine, v8::Local<v8::Function> function) {
  v8::TryCatch try_catch(engine.isolate());
  return v8_rawmem::ToLocalOrThrow(
      engine.isolate(), try_catch,
      function->Call(engine.context(), v8::Undefined(engine.isolate()), 0,
                     nullptr));
}

// The export of other.wasm, which calls `next` out of WebAssembly.
v8::Local<v8::Function> CallsHost(Engine& engine,
                                  v8::Local<v8::Function> next) {
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next", next);
  return engine.Export(engine.Instantiate("other", env), "call_host");
}

v8::Local<v8::Function> Throws(Engine& engine, std::shared_ptr<int> owned) {
  return engine.NewFunction([&engine, owned](const auto&) {
    v8_rawmem::CatchExceptions(engine.isolate(),
                               [&] { throw OutOfRows(7, owned); });
  });
}

}  // namespace

TEST(CrossWebAssemblyAsTheyAre) {
  Engine engine;
  int caught = -1;
  try {
    Call(engine, CallsHost(engine, Throws(engine, std::make_shared<int>(1))));
  } catch (const OutOfRows& error) {
    caught = error.row;
  }
  CHECK_EQ(caught, 7);
  // The engine goes on.
  CHECK_EQ(engine.Evaluate("40 + 2"), int64_t{42});
}

TEST(AreErrorsForJavaScript) {
  Engine engine;
  engine.SetGlobal("next", Throws(engine, std::make_shared<int>(1)));
  CHECK_EQ(engine.Evaluate("next()"), "Error: no row 7");
  CHECK_EQ(engine.Evaluate("try { next() } catch (e) { e instanceof Error && "
                           "e.message === 'no row 7' ? 1 : 0 }"),
           int64_t{1});
  // Thrown on, it is still the same.
  bool caught = false;
  try {
    Call(
        engine,
        engine.EvaluateToValue("() => { try { next() } catch (e) { throw e } }")
            .ToLocalChecked()
            .As<v8::Function>());
  } catch (const OutOfRows&) {
    caught = true;
  }
  CHECK(caught);
}

TEST(OfAnyType) {
  Engine engine;
  v8::Local<v8::Function> function =
      v8::Function::New(engine.context(), v8_rawmem::CatchExceptions<ThrowInt>)
          .ToLocalChecked();
  int caught = 0;
  try {
    Call(engine, CallsHost(engine, function));
  } catch (int value) {
    caught = value;
  }
  CHECK_EQ(caught, 42);
  CHECK_EQ(engine.CallFunction(function, {}), "Error: C++ exception");
}

TEST(AreFreedWithTheirErrors) {
  std::weak_ptr<int> weak;
  {
    Engine engine;
    {
      v8::HandleScope scope(engine.isolate());
      auto owned = std::make_shared<int>(1);
      weak = owned;
      v8::Local<v8::Function> function = engine.NewFunction(
          [&engine, owned = std::move(owned)](const auto&) mutable {
            v8_rawmem::CatchExceptions(engine.isolate(), [&] {
              throw OutOfRows(7, std::move(owned));
            });
          });
      CHECK_EQ(engine.CallFunction(function, {}), "Error: no row 7");
    }
    CHECK(!weak.expired());
    // The sweeper of array buffers may still be at work.
    for (int i = 0; i < 100 && !weak.expired(); ++i)
      engine.CollectGarbage();
    CHECK(weak.expired());

    auto kept = std::make_shared<int>(2);
    weak = kept;
    engine.SetGlobal(
        "next", engine.NewFunction(
                    [&engine, kept = std::move(kept)](const auto&) mutable {
                      v8_rawmem::CatchExceptions(engine.isolate(), [&] {
                        throw OutOfRows(8, std::move(kept));
                      });
                    }));
    engine.Evaluate("try { next() } catch (e) { globalThis.kept = e }");
    engine.CollectGarbage();
    CHECK(!weak.expired());
  }
  // Nothing outlives the isolate.
  CHECK(weak.expired());
}

TEST(JavaScriptsBecomeCppExceptions) {
  Engine engine;
  std::string text;
  try {
    Call(engine, engine.EvaluateToValue("() => { throw new TypeError('no') }")
                     .ToLocalChecked()
                     .As<v8::Function>());
  } catch (const v8_rawmem::TerminatedError&) {
    text = "terminated";
  } catch (const v8_rawmem::JavaScriptError& error) {
    text = error.what();
  }
  CHECK_EQ(text, "TypeError: no");
  const v8::Local<v8::Function> deep =
      engine.Export(engine.Instantiate("spin"), "spin");
  CHECK(Call(engine, deep)->IsNumber());
}

// Through a callback in the middle, which calls JavaScript itself.
TEST(TerminationGoesOn) {
  Engine engine;
  bool went_on = false;
  v8::Local<v8::Function> inner = engine.NewFunction([&](const auto& info) {
    info.GetIsolate()->TerminateExecution();
    engine.EvaluateToValue("for (;;) {}");
  });
  engine.SetGlobal("middle", engine.NewFunction([&](const auto& info) {
    v8_rawmem::CatchExceptions(info.GetIsolate(), [&] {
      Call(engine, inner);
      went_on = true;
    });
  }));
  bool terminated = false;
  try {
    Call(engine, engine
                     .EvaluateToValue("() => { try { middle() } catch {} "
                                      "globalThis.after = 1 }")
                     .ToLocalChecked()
                     .As<v8::Function>());
  } catch (const v8_rawmem::TerminatedError&) {
    terminated = true;
  }
  CHECK(terminated);
  CHECK(!went_on);
  CHECK_EQ(engine.Evaluate("typeof after === 'undefined'"), int64_t{1});
}
