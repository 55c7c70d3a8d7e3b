// Prints what calls of the SDK cost; docs/embedding.md has the figures.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "check.h"
#include "engine.h"
#include "v8-wasm-call.h"

using Result = v8::WasmRawMemoryResult;

namespace {

constexpr int kRounds = 7;

double ThreadNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 +
         static_cast<double>(time.tv_nsec);
}

// Of the best of several rounds: what other programs do only adds.
template <typename Call>
void PrintPrice(v8::Isolate* isolate, const char* what, int calls, Call call) {
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; ++round) {
    const double begin = ThreadNanoseconds();
    for (int i = 0; i < calls; ++i) {
      v8::HandleScope scope(isolate);
      call(i);
    }
    best = std::min(best, (ThreadNanoseconds() - begin) / calls);
  }
  std::printf("    %-44s %8.0f ns\n", what, best);
}

v8::Local<v8::Object> NewProgram(Engine& engine) {
  v8::Local<v8::Object> rawmem = engine.NewObject();
  engine.Set(rawmem, "next", engine.NewFunction([](const auto&) {}));
  v8::Local<v8::Object> imports = engine.NewObject();
  engine.Set(imports, "rawmem", rawmem);
  return engine.Instantiate(engine.Compile("host-windows"), imports)
      .ToLocalChecked();
}

}  // namespace

TEST(Attach) {
  Engine engine;
  v8::Isolate* isolate = engine.isolate();
  constexpr size_t kSize = size_t{1} << 20;
  std::vector<uint8_t> bytes(2 * kSize);
  auto half = [&](int i) { return bytes.data() + (i & 1) * kSize; };
  int refused = 0;
  auto count = [&](Result result) { refused += result != Result::kOk; };

  v8::Local<v8::Object> instance = engine.Instantiate("growable");
  PrintPrice(isolate, "SetWasmInstanceRawMemory", 1'000'000, [&](int i) {
    count(v8::SetWasmInstanceRawMemory(instance, 0, half(i), kSize));
  });
  PrintPrice(isolate, "ResetWasmInstanceRawMemory", 1'000'000,
             [&](int) { count(v8::ResetWasmInstanceRawMemory(instance, 0)); });

  v8::Local<v8::Object> program = NewProgram(engine);
  PrintPrice(isolate, "SetWasmInstanceWindow", 1'000'000, [&](int i) {
    count(v8::SetWasmInstanceWindow(program, 0, 1, half(i), kSize));
  });

  v8::Local<v8::WasmMemoryObject> memory = engine.NewMemory("{ initial: 16 }");
  PrintPrice(isolate, "WasmMemoryObject::SetBackingStore", 20'000, [&](int i) {
    count(memory->SetBackingStore(v8::ArrayBuffer::NewBackingStore(
        half(i), kSize, v8::BackingStore::EmptyDeleter, nullptr)));
  });
  CHECK_EQ(refused, 0);
}

TEST(Call) {
  Engine engine;
  v8::Isolate* isolate = engine.isolate();
  v8::Local<v8::Context> context = engine.context();
  v8::Local<v8::Object> env = engine.NewObject();
  for (const char* name : {"callback", "imported"}) {
    engine.Set(env, name, engine.NewFunction([](const auto&) {}));
  }
  v8::Local<v8::Function> add =
      engine.Export(engine.Instantiate("typed-calls", env), "add");

  using Caller = v8::WasmTypedCaller<int32_t(int32_t, int32_t)>;
  const Caller caller(isolate);
  int32_t typed_sum = 0;
  PrintPrice(isolate, "WasmTypedCaller::Call", 1'000'000, [&](int i) {
    caller.Call(context, add, &typed_sum, typed_sum, i);
  });
  int32_t sum = 0;
  PrintPrice(isolate, "v8::Function::Call", 1'000'000, [&](int i) {
    v8::Local<v8::Value> arguments[] = {v8::Integer::New(isolate, sum),
                                        v8::Integer::New(isolate, i)};
    sum = add->Call(isolate, context, v8::Undefined(isolate), 2, arguments)
              .ToLocalChecked()
              .As<v8::Int32>()
              ->Value();
  });
  CHECK_EQ(typed_sum, sum);
  PrintPrice(isolate, "making a WasmTypedCaller", 20,
             [&](int) { Caller another(isolate); });
}
