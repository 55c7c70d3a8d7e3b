// The ways across the border between the two engines. Each is an object on the
// stack that sees to what its way takes, so that nothing of it can be
// forgotten:
//
//   JavaScript --Border--> addon --Entry--> inner engine --OuterCall--> Node
//
// What JavaScript is shown must be up to date (BufferAliases), code must not
// reach bytes that JavaScript took away (CheckBorrowed), and exceptions and
// terminations of one engine go on in the other.

#ifndef BINDINGS_NATIVE_PATCHED_BORDER_H_
#define BINDINGS_NATIVE_PATCHED_BORDER_H_

#include <node_api.h>

#include <optional>

#include "agent.h"
#include "errors.h"
#include "raw_memory.h"
#include "v8-exception.h"
#include "v8-local-handle.h"

namespace rawmem {

class Store;

// Around everything that JavaScript calls and that can run code, of the inner
// engine or of JavaScript again. Has to be the first thing opened, so as to be
// the last thing closed: then a termination that the code did not come to
// notice is taken back, and one of Node's is passed on.
class Border {
 public:
  explicit Border(Agent* agent) : agent_(agent) {
    if (agent->Open()) {
      scope_.emplace(agent);
    }
  }
  ~Border() {
    if (is_open()) {
      agent_->buffer_aliases().Update();
      scope_.reset();
      agent_->LeaveBorder();
    }
  }
  Border(const Border&) = delete;
  Border& operator=(const Border&) = delete;

  // If not, an exception is pending.
  bool is_open() const { return scope_.has_value(); }
  Agent* agent() const { return agent_; }

 private:
  Agent* const agent_;
  std::optional<Agent::Scope> scope_;
};

// Around everything that inner objects of a store are asked to do.
class Entry {
 public:
  // `store` may be null.
  Entry(const Border& border, Store* store);
  ~Entry() { agent_->entered_ = previous_; }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  // If not, an exception is pending.
  bool is_open() const { return is_open_; }
  Agent* agent() const { return agent_; }

  // Both call `code`, which gives a v8::MaybeLocal<T>. False, with an exception
  // pending in Node, on failure.

  // Where WebAssembly code runs.
  template <typename T, typename Code>
  bool Run(Code code, v8::Local<T>* result) {
    return MayRun() && Ask(code, result);
  }
  // `code` gives whether it succeeded.
  template <typename Code>
  bool Run(Code code) {
    return MayRun() && Catch(code);
  }
  // Where the engine itself does something.
  template <typename T, typename Code>
  bool Ask(Code code, v8::Local<T>* result) {
    return Catch([&] { return code().ToLocal(result); });
  }

 private:
  template <typename Code>
  bool Catch(Code code) {
    v8::TryCatch try_catch(agent_->isolate());
    try_catch.SetCaptureMessage(false);
    const uint64_t replaced_pages = agent_->faults().replaced_pages;
    bool succeeded;
    {
      Agent::CallScope call_scope(agent_);
      succeeded = code();
    }
    if (!succeeded) {
      ThrowToOuter(agent_, try_catch);
      return false;
    }
    return !ThrowIfHeapExhausted(agent_) &&
           !ThrowIfPagesReplaced(agent_, replaced_pages);
  }

  bool MayRun() { return CheckBorrowed(agent_) && !ThrowIfPastLimits(agent_); }

  Agent* const agent_;
  Store* const previous_;
  bool is_open_;
};

// Around everything that a callback of the inner engine does in Node, which
// happens in a handle scope.
class OuterCall {
 public:
  explicit OuterCall(Agent* agent)
      : agent_(agent), is_open_(agent->EnterOuterCall()) {}
  // The inner engine goes on: with what Succeed() stands for, or with an
  // exception, that which is pending in Node or one of its own.
  ~OuterCall() {
    if (!is_open_) {
      return;
    }
    if (!(succeeded_ && CheckBorrowed(agent_) &&
          agent_->passed_limits() == nullptr)) {
      ThrowToInner(agent_);
    }
    agent_->LeaveOuterCall();
  }
  OuterCall(const OuterCall&) = delete;
  OuterCall& operator=(const OuterCall&) = delete;

  // If not, the callback has to return: why is in flight.
  bool is_open() const { return is_open_; }
  void Succeed() { succeeded_ = true; }

 private:
  Agent* const agent_;
  const bool is_open_;
  bool succeeded_ = false;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_BORDER_H_
