// What a call may take: time, stack, and as long as nobody ends it.

#ifndef BINDINGS_NATIVE_PATCHED_CALL_LIMITS_H_
#define BINDINGS_NATIVE_PATCHED_CALL_LIMITS_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/numbers.h"
#include "watchdog.h"

namespace rawmem {

class Agent;

// Limits of all code that runs on the thread while this lives, on the stack.
// They nest, and inner ones do not lift outer ones. Code that has passed one
// ends as Node ends it (see node_isolate.h): at its next look, without a chance
// to catch anything. The call that JavaScript made throws an error then, which
// JavaScript may catch; but what called that JavaScript ends in the same way as
// soon as it goes on, and no other code of WebAssembly begins.
class CallLimits {
 public:
  struct Options {
    // For Agent::AbortCall().
    size_t id = 0;
    // In milliseconds.
    std::optional<size_t> timeout;
    // Other threads end the call by storing something else than 0.
    const int32_t* stop = nullptr;
    // In bytes.
    std::optional<size_t> stack_size;
    // errorOf(CallEnd): what to throw.
    napi_value error_of = nullptr;
  };

  CallLimits(Agent* agent, const Options& options);
  ~CallLimits();
  CallLimits(const CallLimits&) = delete;
  CallLimits& operator=(const CallLimits&) = delete;

  // The outermost of `innermost` and those around it that has been passed. Null
  // if none has.
  static CallLimits* FindPassed(CallLimits* innermost);
  // The one with that id. Null if it is none of them.
  static CallLimits* Find(CallLimits* innermost, size_t id);

  void Abort() { watch_.end = CallEnd::kAborted; }
  // Makes the error pending in Node.
  void ThrowError();

 private:
  Agent* const agent_;
  CallLimits* const outer_;
  const size_t id_;
  napi_value const error_of_;
  const uintptr_t outer_stack_limit_;
  Watchdog::Watch watch_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_CALL_LIMITS_H_
