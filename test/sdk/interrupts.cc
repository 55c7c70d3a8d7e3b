// No memory is switched while an interrupt is served out of WebAssembly code.

#include <atomic>
#include <thread>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

using Result = v8::WasmRawMemoryResult;

namespace {

constexpr size_t kPage = 65536;
constexpr int kDoneAt = 2;

// Calls back out of the loop of interrupts.wat.
class Interruption {
 public:
  Interruption() : scope_(engine.isolate()), region(kPage), other(kPage) {
    v8::Local<v8::Object> env = engine.NewObject();
    engine.Set(env, "switch", engine.NewFunction([this](const auto&) {
      if (on_switch)
        on_switch();
    }));
    instance = engine.Instantiate("interrupts", env);
    engine.SetGlobal("instance", instance);
    region.start()[1] = 42;
    other.start()[1] = 43;
  }

  // Runs the loop on `memory` and, while it runs, the callback; after which the
  // loop has to end.
  Outcome Run(volatile uint8_t* memory, std::function<void()> callback) {
    memory[0] = 0;
    memory[kDoneAt] = 0;
    on_interrupt_ = [=, callback = std::move(callback)] {
      callback();
      memory[kDoneAt] = 1;
    };
    std::thread requester([=, this] {
      while (memory[0] == 0)
        std::this_thread::yield();
      engine.isolate()->RequestInterrupt(
          [](v8::Isolate*, void* data) {
            auto* self = static_cast<Interruption*>(data);
            ++self->served;
            v8::HandleScope scope(self->engine.isolate());
            self->on_interrupt_();
          },
          this);
    });
    const Outcome outcome = engine.Call(instance, "wait_for", kDoneAt);
    requester.join();
    return outcome;
  }

  Result Attach(GuardedRegion& to) {
    return v8::SetWasmInstanceRawMemory(instance, 0, to.start(), to.size());
  }

  v8::Local<v8::WasmMemoryObject> Memory() {
    return engine
        .Get(engine.Get(instance, "exports").As<v8::Object>(), "memory")
        .As<v8::WasmMemoryObject>();
  }

  uint8_t* OwnMemory() {
    return static_cast<uint8_t*>(Memory()->Buffer()->Data());
  }

  Engine engine;

 private:
  v8::HandleScope scope_;

 public:
  GuardedRegion region;
  GuardedRegion other;
  v8::Local<v8::Object> instance;
  std::function<void()> on_switch;
  int served = 0;

 private:
  std::function<void()> on_interrupt_;
};

}  // namespace

TEST(NothingIsSwitchedInAnInterrupt) {
  Interruption test;
  CHECK_EQ(test.Attach(test.region), Result::kOk);
  std::vector<Result> results;
  const Outcome outcome = test.Run(test.region.start(), [&] {
    results.push_back(test.Attach(test.other));
    results.push_back(v8::ResetWasmInstanceRawMemory(test.instance, 0));
    results.push_back(v8::SetWasmInstanceWindow(
        test.instance, 0, 0, test.other.start(), test.other.size()));
    results.push_back(
        test.Memory()->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
            test.other.start(), test.other.size(), [](void*, size_t, void*) {},
            nullptr)));
  });
  CHECK_EQ(test.served, 1);
  CHECK(results == std::vector<Result>(4, Result::kInInterrupt));
  // The loop has gone on with its memory, and so does what comes after.
  CHECK_EQ(outcome, int64_t{42});
  CHECK_EQ(test.engine.Call(test.instance, "load", 1), int64_t{42});

  CHECK_EQ(test.Attach(test.other), Result::kOk);
  CHECK_EQ(test.engine.Call(test.instance, "load", 1), int64_t{43});
  CHECK_EQ(v8::ResetWasmInstanceRawMemory(test.instance, 0), Result::kOk);
  CHECK_EQ(test.engine.Call(test.instance, "load", 1), int64_t{0});
}

// Neither the loop's own instance nor any other, at any depth.
TEST(NorInCodeThatTheInterruptRuns) {
  Interruption test;
  CHECK_EQ(test.Attach(test.region), Result::kOk);
  v8::Local<v8::Object> bystander = test.engine.Instantiate("interrupts", [&] {
    v8::Local<v8::Object> env = test.engine.NewObject();
    test.engine.Set(env, "switch", test.engine.NewFunction([](const auto&) {}));
    return env;
  }());
  std::vector<Result> results;
  test.on_switch = [&] {
    results.push_back(test.Attach(test.other));
    results.push_back(v8::SetWasmInstanceRawMemory(
        bystander, 0, test.other.start(), test.other.size()));
  };
  Outcome inner;
  const Outcome outcome = test.Run(test.region.start(), [&] {
    inner = test.engine.Evaluate("instance.exports.switch()");
  });
  CHECK(results == std::vector<Result>(2, Result::kInInterrupt));
  CHECK_EQ(inner, int64_t{42});
  CHECK_EQ(outcome, int64_t{42});

  // An import that no interrupt has called may switch.
  results.clear();
  CHECK_EQ(test.engine.Call(test.instance, "switch"), int64_t{43});
  CHECK(results == std::vector<Result>(2, Result::kOk));
}

// JavaScript that an import runs serves interrupts, too. WebAssembly code looks
// at its memory again after the import.
TEST(InterruptsOfJavaScriptMaySwitch) {
  Interruption test;
  CHECK_EQ(test.Attach(test.region), Result::kOk);
  Result result = Result::kNotAnInstance;
  struct Request {
    Interruption& test;
    Result& result;
  } request{test, result};
  test.on_switch = [&] {
    test.engine.isolate()->RequestInterrupt(
        [](v8::Isolate* isolate, void* data) {
          auto* request = static_cast<Request*>(data);
          v8::HandleScope scope(isolate);
          request->result = request->test.Attach(request->test.other);
        },
        &request);
    CHECK_EQ(test.engine.Evaluate("let n = 0; while (n < 10) ++n; n"),
             int64_t{10});
  };
  CHECK_EQ(test.engine.Call(test.instance, "switch"), int64_t{43});
  CHECK_EQ(result, Result::kOk);
}

// Memory that V8 allocated grows in an interrupt if it stays where it is, and
// not at all otherwise.
TEST(NoMemoryMovesInAnInterrupt) {
  Interruption test;
  uint8_t* const before = test.OwnMemory();
  before[1] = 44;
  Outcome grown;
  const Outcome outcome = test.Run(before, [&] {
    grown = test.engine.Evaluate("instance.exports.memory.grow(1)");
    CHECK(test.OwnMemory() == before);
    const Outcome by_code = test.engine.Evaluate("instance.exports.grow(1)");
    CHECK(by_code == int64_t{2} || by_code == int64_t{-1});
    CHECK(test.OwnMemory() == before);
  });
  CHECK_EQ(test.served, 1);
  CHECK_EQ(outcome, int64_t{44});
  CHECK(grown == int64_t{1} || grown == "RangeError");
  // It can move again.
  const Outcome later = test.engine.Call(test.instance, "grow", 1);
  CHECK(later == int64_t{1} || later == int64_t{3});
  CHECK_EQ(test.engine.Call(test.instance, "load", 1), int64_t{44});
}

// An interrupt of one isolate is none of another.
TEST(OtherIsolatesSwitchMeanwhile) {
  Interruption test;
  CHECK_EQ(test.Attach(test.region), Result::kOk);
  const Outcome outcome = test.Run(test.region.start(), [&] {
    Interruption other;
    CHECK_EQ(other.Attach(other.region), Result::kOk);
    CHECK_EQ(other.engine.Call(other.instance, "load", 1), int64_t{42});
  });
  CHECK_EQ(test.served, 1);
  CHECK_EQ(outcome, int64_t{42});
}
