// Flags: set one by one, and after V8 was initialized. This suite runs with
// --no-freeze-flags-after-init.

#include "v8-rawmem/flags.h"

#include <string>

#include "check.h"
#include "engine.h"

namespace {

using Refused = std::vector<std::string>;

// The tier of a function that an isolate made now has run.
std::string TierNow() {
  Engine engine;
  v8::Local<v8::Object> instance = engine.Instantiate("spin");
  CHECK_EQ(engine.Call(instance, "spin", 3), int64_t{3});
  return engine.Tier(engine.Export(instance, "spin"));
}

}  // namespace

// Isolates come and go in one process, each with the flags of its time.
TEST(TakeEffectInTheNextIsolate) {
  CHECK_EQ(TierNow(), "turbofan");
  CHECK(v8_rawmem::SetFlags("--liftoff-only").empty());
  CHECK_EQ(TierNow(), "liftoff");
  CHECK(v8_rawmem::SetFlags("--no-liftoff-only --no-liftoff").empty());
  CHECK_EQ(TierNow(), "turbofan");
  CHECK(v8_rawmem::SetFlags("--liftoff").empty());
}

TEST(UnknownOnesDoNotSwallowTheRest) {
  CHECK(v8_rawmem::SetFlags("--experimental-wasm-memory64 --expose-wasm "
                            "--liftoff-only --wasm-simd-ssse3-codegen") ==
        (Refused{"--experimental-wasm-memory64", "--expose-wasm",
                 "--wasm-simd-ssse3-codegen"}));
  CHECK_EQ(TierNow(), "liftoff");
  CHECK(v8_rawmem::SetFlags("--no-liftoff-only").empty());
  CHECK_EQ(TierNow(), "turbofan");
}

TEST(WithTheirValues) {
  CHECK(v8_rawmem::SetFlags("--stack_size 900 --wasm-tiering-budget=1800000")
            .empty());
  CHECK(v8_rawmem::SetFlags(
            "  --no-such 5 --no-such=6\n--liftoff-only\tstray ") ==
        (Refused{"--no-such 5", "--no-such=6", "stray"}));
  CHECK_EQ(TierNow(), "liftoff");
  CHECK(v8_rawmem::SetFlags("--max-heap-size=many --no-liftoff-only --") ==
        (Refused{"--max-heap-size=many", "--"}));
  CHECK_EQ(TierNow(), "turbofan");
  CHECK(v8_rawmem::SetFlags("--max-heap-size=0").empty());
  CHECK(v8_rawmem::SetFlags("").empty());
}
