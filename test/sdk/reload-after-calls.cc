// The code-generation patch: start and size of a memory are loaded again after
// everything that can call out, in every tier. The memories here are of fixed
// size, for which V8 would otherwise take both for constants.

#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "engine.h"
#include "v8-fast-api-calls.h"
#include "v8-template.h"
#include "windows.h"

namespace {

// Often enough for code to become hot with --wasm-tiering-budget=1.
constexpr int kRuns = 8;

// reload.wat or try-table.wat over five windows.
class Reloading {
 public:
  explicit Reloading(const char* module = "reload",
                     std::vector<size_t> pages = {1, 1, 1, 1, 1})
      : windows(engine, std::move(pages)) {
    v8::Local<v8::Object> env = engine.NewObject();
    engine.Set(env, "next",
               engine.NewFunction([this](const auto&) { windows.Next(); }));
    engine.Set(env, "next_and_throw",
               engine.NewFunction([this](const auto& info) {
                 windows.Next();
                 info.GetIsolate()->ThrowException(
                     v8::Integer::New(info.GetIsolate(), 1));
               }));
    instance = engine.Instantiate(module, env);
    windows.Attach(instance);
  }

  template <typename... Arguments>
  Outcome Run(const char* name, Arguments... arguments) {
    windows.Rewind();
    return engine.Call(instance, name, arguments...);
  }

  // Checks the result while the code is cold and when it is hot.
  template <typename Expected, typename... Arguments>
  void Expect(const Expected& expected,
              const char* name,
              Arguments... arguments) {
    for (int run = 0; run < kRuns; ++run) {
      const Outcome outcome = Run(name, arguments...);
      if (outcome == expected)
        continue;
      CHECK_EQ(outcome, expected);
      check::Fail(__FILE__, __LINE__,
                  std::string(name) + ", run " + std::to_string(run));
      return;
    }
    if (!GetRunOptions().tier.empty()) {
      CHECK_EQ(engine.Tier(engine.Export(instance, name)),
               GetRunOptions().tier);
    }
  }

  ~Reloading() { CHECK(windows.AreUntouchedOutside()); }

  Engine engine;
  Windows windows;
  v8::Local<v8::Object> instance;
};

}  // namespace

TEST(InOneBlock) {
  Reloading().Expect(int64_t{12}, "straight");
}

TEST(InLoops) {
  Reloading test;
  test.Expect(int64_t{234}, "loop");
  test.Expect(int64_t{123}, "loop_head");
  test.Expect(int64_t{222233334444}, "nested_loops");
}

TEST(InOneOfTwoBranches) {
  Reloading test;
  test.Expect(int64_t{12}, "branch", 1);
  test.Expect(int64_t{11}, "branch", 0);
}

TEST(InCallees) {
  Reloading test;
  test.Expect(int64_t{13}, "callee");
  test.Expect(int64_t{12}, "callee_loads");
  test.Expect(int64_t{234}, "callee_loop");
  test.Expect(int64_t{55555}, "recursion", 4);
}

TEST(ThroughTailCalls) {
  Reloading().Expect(int64_t{13}, "tail_calls");
}

TEST(ThroughTheTable) {
  Reloading test;
  // Each for itself becomes hot and may be inlined; then the others come.
  test.Expect(int64_t{12}, "indirect", 1);
  test.Expect(int64_t{13}, "indirect", 2);
  test.Expect(int64_t{12}, "indirect", 0);
  test.Expect(int64_t{11}, "indirect", 3);
  test.Expect(int64_t{12}, "indirect", 1);
}

TEST(InHandlersOfExceptions) {
  Reloading test;
  test.Expect(int64_t{122}, "catch");
  test.Expect(int64_t{122}, "catch_from_callee");
  test.Expect(int64_t{12}, "caught_in_callee");
  test.Expect(int64_t{234}, "catch_in_loop");
}

TEST(InHandlersOfStandardExceptions) {
  Reloading test("try-table");
  test.Expect(int64_t{12}, "catch");
  test.Expect(int64_t{12}, "catch_from_callee");
}

TEST(ForVectorsAndAtomics) {
  Reloading test;
  test.Expect(int64_t{12}, "simd");
  test.Expect(int64_t{12}, "atomic");
}

TEST(ForStores) {
  Reloading test;
  for (int run = 0; run < kRuns; ++run) {
    CHECK_EQ(test.Run("store", 0x10), kNothing);
    CHECK_EQ(int{test.windows[0].start()[4]}, 0x10);
    CHECK_EQ(int{test.windows[1].start()[4]}, 0x11);
  }
}

TEST(ForBulkOperations) {
  Reloading test;
  for (int run = 0; run < kRuns; ++run) {
    CHECK_EQ(test.Run("fill", 100), kNothing);
    for (int window : {0, 1}) {
      const int value = window == 0 ? 0xaa : 0xbb;
      CHECK_EQ(int{test.windows[window].start()[8]}, value);
      CHECK_EQ(int{test.windows[window].start()[23]}, value);
      CHECK_EQ(int{test.windows[window].start()[24]}, 0);
      CHECK_EQ(int{test.windows[window].start()[64]}, value);
      CHECK_EQ(int{test.windows[window].start()[163]}, value);
      CHECK_EQ(int{test.windows[window].start()[164]}, 0);
    }
    CHECK_EQ(test.Run("copy", 4), kNothing);
    for (int window : {0, 1}) {
      CHECK_EQ(int{test.windows[window].start()[8]}, window + 1);
      CHECK_EQ(int{test.windows[window].start()[64]}, window + 1);
    }
  }
}

// Sizes are reloaded, too: larger and smaller windows.
TEST(ForSizes) {
  Reloading grow("reload", {1, 2});
  grow.Expect(int64_t{12}, "sizes");
  grow.Expect(int64_t{0}, "load_after_next", int{kPage});
  grow.Expect(int64_t{0}, "load_after_next", int{2 * kPage - 4});
  grow.Expect(kOutOfBounds, "load_after_next", int{2 * kPage - 3});

  Reloading shrink("reload", {3, 1});
  shrink.Expect(int64_t{31}, "sizes");
  shrink.Expect(int64_t{0}, "load_after_next", int{kPage - 4});
  shrink.Expect(kOutOfBounds, "load_after_next", int{kPage - 3});
  shrink.Expect(kOutOfBounds, "load_after_next", int{2 * kPage});
}

// The switch comes from a function of another instance, which calls the host.
TEST(AfterCallsOfOtherInstances) {
  Engine engine;
  Windows windows(engine, {1, 1});
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next",
             engine.NewFunction([&](const auto&) { windows.Next(); }));
  v8::Local<v8::Object> other = engine.Instantiate("other", env);
  v8::Local<v8::Object> imports = engine.NewObject();
  engine.Set(imports, "other", engine.Get(other, "exports"));
  v8::Local<v8::Object> instance =
      engine.Instantiate(engine.Compile("calls-other"), imports)
          .ToLocalChecked();
  windows.Attach(instance);
  for (int run = 0; run < kRuns; ++run) {
    windows.Rewind();
    CHECK_EQ(engine.Call(instance, "around_call"), int64_t{12});
  }
}

// An import may enter the instance again, and that may switch.
TEST(AfterReentry) {
  Reloading test;
  Engine& engine = test.engine;
  v8::Local<v8::Object> env = engine.NewObject();
  v8::Local<v8::Object> outer;
  int depth = 0;
  engine.Set(env, "next", engine.NewFunction([&](const auto&) {
    test.windows.Next();
    if (depth++ == 0)
      CHECK_EQ(engine.Call(outer, "straight"), int64_t{23});
  }));
  engine.Set(env, "next_and_throw", engine.NewFunction([](const auto&) {}));
  outer = engine.Instantiate("reload", env);
  test.windows.Attach(outer);
  for (int run = 0; run < kRuns; ++run) {
    depth = 0;
    test.windows.Rewind();
    CHECK_EQ(engine.Call(outer, "straight"), int64_t{13});
  }
}

// The windows are switched while the code is suspended (JavaScript promise
// integration).
TEST(AfterSuspension) {
  Engine engine;
  Windows windows(engine, {1, 1});
  engine.SetGlobal("next",
                   engine.NewFunction([&](const auto&) { windows.Next(); }));
  v8::Local<v8::Object> env =
      engine
          .EvaluateToValue(
              "({next: new WebAssembly.Suspending(async () => {"
              "  await null; next(); }),"
              "next_and_throw() {}})")
          .ToLocalChecked()
          .As<v8::Object>();
  v8::Local<v8::Object> instance = engine.Instantiate("reload", env);
  windows.Attach(instance);
  engine.SetGlobal("instance", instance);
  for (int run = 0; run < kRuns; ++run) {
    windows.Rewind();
    CHECK_EQ(engine.Evaluate(
                 "result = 0;"
                 "WebAssembly.promising(instance.exports.straight)().then("
                 "  (value) => { result = value; }, (error) => { throw error; "
                 "}); 0"),
             int64_t{0});
    CHECK_EQ(engine.Evaluate("result"), int64_t{12});
  }
}

TEST(ForEveryMemoryIndex) {
  Engine engine;
  Windows left(engine, {1, 2, 1, 1, 1}, 1);
  Windows right(engine, {1, 1, 1}, 2);
  v8::Local<v8::Object> env = engine.NewObject();
  engine.Set(env, "next", engine.NewFunction([&](const auto& info) {
    (info[0].template As<v8::Int32>()->Value() == 1 ? left : right).Next();
  }));
  v8::Local<v8::Object> instance = engine.Instantiate("multi-memory", env);
  left.Attach(instance);
  right.Attach(instance);
  for (int run = 0; run < kRuns; ++run) {
    left.Rewind();
    right.Rewind();
    // left * right before and after the switch of left, in five rounds.
    CHECK_EQ(engine.Call(instance, "mixed", 5),
             int64_t{1 * 1 + 2 * 1 + 2 * 2 + 3 * 2 + 3 * 3 + 4 * 3 + 4 * 1 +
                     5 * 1 + 5 * 2 + 1 * 2});
    left.Rewind();
    CHECK_EQ(engine.Call(instance, "sizes"), int64_t{12});
    // The private memory is its own throughout.
    CHECK_EQ(engine.Call(instance, "load0", 1024), int64_t{'p'});
  }
  CHECK(left.AreUntouchedOutside());
  CHECK(right.AreUntouchedOutside());
}

namespace {

// Fast API functions get no closure.
Windows* fast_windows[2] = {};
int fast_calls = 0;
int slow_calls = 0;

void SwitchBoth() {
  for (Windows* windows : fast_windows)
    windows->Next();
}
void NextSlow(const v8::FunctionCallbackInfo<v8::Value>&) {
  ++slow_calls;
  SwitchBoth();
}
void NextFast(v8::Local<v8::Object> receiver) {
  ++fast_calls;
  SwitchBoth();
}

}  // namespace

// Compiled code calls the C++ function without leaving WebAssembly's frame.
// Only with --wasm-fast-api; without it these are calls as all others.
TEST(AfterFastApiCalls) {
  Engine engine;
  Windows first(engine, {1, 1});
  Windows second(engine, {1, 1}, 1);
  fast_windows[0] = &first;
  fast_windows[1] = &second;
  v8::CFunction fast = v8::CFunction::Make(NextFast);
  // The receiver is checked against the signature before each call.
  v8::Local<v8::FunctionTemplate> constructor =
      v8::FunctionTemplate::New(engine.isolate());
  v8::Local<v8::Signature> signature =
      v8::Signature::New(engine.isolate(), constructor);
  constructor->PrototypeTemplate()->Set(
      engine.isolate(), "next",
      v8::FunctionTemplate::New(engine.isolate(), NextSlow, {}, signature, 0,
                                v8::ConstructorBehavior::kThrow,
                                v8::SideEffectType::kHasSideEffect, &fast));
  v8::Local<v8::Object> receiver = constructor->GetFunction(engine.context())
                                       .ToLocalChecked()
                                       ->NewInstance(engine.context())
                                       .ToLocalChecked();
  engine.SetGlobal("receiver", receiver);
  v8::Local<v8::Object> env =
      engine
          .EvaluateToValue(
              "({next: Function.prototype.call.bind(receiver.next)})")
          .ToLocalChecked()
          .As<v8::Object>();
  v8::Local<v8::Object> instance = engine.Instantiate("fast-call", env);
  first.Attach(instance);
  second.Attach(instance);
  fast_calls = slow_calls = 0;
  for (int run = 0; run < kRuns; ++run) {
    first.Rewind();
    second.Rewind();
    CHECK_EQ(engine.Call(instance, "around_call", receiver), int64_t{1122});
  }
  CHECK_EQ(fast_calls + slow_calls, kRuns);
  if (GetRunOptions().fast_calls)
    CHECK(fast_calls > 0);
}
