#include "call_limits.h"

#include <algorithm>
#include <chrono>

#include "agent.h"
#include "common/napi/results.h"

namespace rawmem {

CallLimits::CallLimits(Agent* agent, const Options& options)
    : agent_(agent),
      outer_(agent->limits_),
      id_(options.id),
      error_of_(options.error_of),
      outer_stack_limit_(agent->stack_limit_),
      watch_{.client = agent, .stop = options.stop} {
  agent->limits_ = this;
  if (options.stack_size) {
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    agent->SetStackLimit(std::max(outer_stack_limit_,
                                  here - std::min(here, *options.stack_size)));
  }
  if (options.timeout) {
    watch_.due = std::chrono::steady_clock::now() +
                 std::chrono::milliseconds(*options.timeout);
  }
  if (watch_.is_needed()) {
    Watchdog::Get()->Begin(&watch_);
  }
}

CallLimits::~CallLimits() {
  if (watch_.is_needed()) {
    Watchdog::Get()->End(&watch_);
  }
  if (agent_->is_open() && agent_->stack_limit_ != outer_stack_limit_) {
    agent_->SetStackLimit(outer_stack_limit_);
  }
  agent_->limits_ = outer_;
}

CallLimits* CallLimits::FindPassed(CallLimits* innermost) {
  CallLimits* passed = nullptr;
  for (; innermost != nullptr; innermost = innermost->outer_) {
    if (innermost->watch_.end != CallEnd::kNone) {
      passed = innermost;
    }
  }
  return passed;
}

CallLimits* CallLimits::Find(CallLimits* innermost, size_t id) {
  while (innermost != nullptr && innermost->id_ != id) {
    innermost = innermost->outer_;
  }
  return innermost;
}

void CallLimits::ThrowError() {
  napi_env env = agent_->env();
  const napi_value end = NewNumber(env, static_cast<double>(watch_.end.load()));
  const napi_value error =
      end == nullptr ? nullptr : agent_->CallOuter(error_of_, 1, &end);
  if (error != nullptr) {
    napi_throw(env, error);
  }
}

}  // namespace rawmem
