// A termination that is requested at the heap limit ends code which allocates
// without a loop or a call in between.

#include <algorithm>

#include "check.h"
#include "engine.h"
#include "v8-statistics.h"

namespace {

constexpr size_t kMegabyte = 1'000'000;

struct Limit {
  v8::Isolate* isolate;
  int reached = 0;

  static size_t Reached(void* data, size_t current, size_t initial) {
    auto* limit = static_cast<Limit*>(data);
    ++limit->reached;
    limit->isolate->TerminateExecution();
    return current + 20 * kMegabyte;
  }
};

}  // namespace

TEST(EndsCodeThatAllocates) {
  Engine engine(64 * kMegabyte);
  v8::Local<v8::Object> instance = engine.Instantiate("allocations");
  Limit limit{engine.isolate()};
  engine.isolate()->AddNearHeapLimitCallback(&Limit::Reached, &limit);
  // 400 MB each.
  for (const char* name : {"new", "new_default", "new_references", "new"}) {
    const int before = limit.reached;
    {
      v8::TryCatch try_catch(engine.isolate());
      CHECK(engine.Export(instance, name)
                ->Call(engine.context(), v8::Undefined(engine.isolate()), 0,
                       nullptr)
                .IsEmpty());
      CHECK(try_catch.HasTerminated());
    }
    CHECK_EQ(limit.reached - before, 1);
    CHECK(!engine.isolate()->IsExecutionTerminating());
    v8::HeapStatistics statistics;
    engine.isolate()->GetHeapStatistics(&statistics);
    CHECK(statistics.total_physical_size() < 200 * kMegabyte);

    // The isolate goes on.
    CHECK_EQ(engine.Call(instance, "drop"), kNothing);
    CHECK_EQ(engine.Evaluate("1 + 1"), int64_t{2});
    engine.CollectGarbage();
    engine.isolate()->RemoveNearHeapLimitCallback(&Limit::Reached,
                                                  64 * kMegabyte);
    engine.isolate()->AddNearHeapLimitCallback(&Limit::Reached, &limit);
  }
}

// A request from elsewhere ends it as well.
TEST(EndsCodeThatAllocatesBelowTheLimit) {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("allocations");
  CHECK_EQ(engine.Call(instance, "new"), kNothing);
  CHECK_EQ(engine.Call(instance, "drop"), kNothing);
  engine.isolate()->AddGCPrologueCallback(
      [](v8::Isolate* isolate, v8::GCType, v8::GCCallbackFlags) {
        isolate->TerminateExecution();
      });
  v8::TryCatch try_catch(engine.isolate());
  CHECK(
      engine.Export(instance, "new")
          ->Call(engine.context(), v8::Undefined(engine.isolate()), 0, nullptr)
          .IsEmpty());
  CHECK(try_catch.HasTerminated());
}
