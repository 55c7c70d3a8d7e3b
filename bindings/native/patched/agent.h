// One thread of JavaScript as the addon sees it: Node's environment on one
// side, an isolate of the inner engine on the other.

#ifndef BINDINGS_NATIVE_PATCHED_AGENT_H_
#define BINDINGS_NATIVE_PATCHED_AGENT_H_

#include <node_api.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "call_limits.h"
#include "common/fault_range.h"
#include "common/napi/handle_scope.h"
#include "common/napi/reference.h"
#include "common/numbers.h"
#include "kind.h"
#include "memory_buffer.h"
#include "node_isolate.h"
#include "v8-context.h"
#include "v8-exception.h"
#include "v8-function.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-object.h"
#include "v8-persistent-handle.h"
#include "v8-primitive.h"
#include "v8-template.h"
#include "v8-weak-callback-info.h"
#include "watchdog.h"

namespace rawmem {

class CodeLoader;
class CpuProfiler;
struct Handle;
class Inspector;
class NumberCalls;
class Store;
class Tracing;

// Whatever C++ object an inner object points at. All of them are in a list, so
// that closing the agent frees those that no garbage collection got to.
struct Record {
  virtual ~Record();
  void Link(Record** head);
  // Says what JavaScript has to do with the inner object, see tracing.h.
  virtual void Trace(Tracing& tracing) {}
  // After stores have been replaced.
  virtual void OnTraced() {}

 private:
  friend class Agent;
  Record* next_ = nullptr;
  Record** previous_ = nullptr;
};

// One that knows the inner object.
template <typename T>
struct RecordOf : Record {
  // To be called when nothing but the object leads here any more: they go
  // together.
  void LeaveToObject() {
    inner.SetWeak(
        this,
        [](const v8::WeakCallbackInfo<RecordOf>& info) {
          // No other call into the engine is allowed yet.
          info.GetParameter()->inner.Reset();
          info.SetSecondPassCallback(
              [](const v8::WeakCallbackInfo<RecordOf>& second) {
                delete second.GetParameter();
              });
        },
        v8::WeakCallbackType::kParameter);
  }

  v8::Global<T> inner;
};

// Enters an isolate, unless the thread is in it.
class IsolateScope {
 public:
  explicit IsolateScope(v8::Isolate* isolate) {
    if (!isolate->IsCurrent()) {
      scope_.emplace(isolate);
    }
  }

 private:
  std::optional<v8::Isolate::Scope> scope_;
};

// Shared by the environment and by what may be finalised after the
// environment's cleanup hooks ran.
class Agent final : public Watchdog::Client,
                    public std::enable_shared_from_this<Agent> {
 public:
  explicit Agent(napi_env env);
  ~Agent() override;

  // Creates the isolate, unless it is there. On failure an exception is
  // pending in Node.
  bool Open();
  // Whether there is an isolate to enter.
  bool is_open() const { return isolate_ != nullptr; }

  napi_env env() const { return env_; }
  v8::Isolate* isolate() const { return isolate_; }
  v8::Local<v8::Context> context() const { return residence_->context; }

  void SetHooks(napi_value array);
  // Null, with nothing pending, if JavaScript is being torn down.
  napi_value hook(Hook which);
  // Every call of JavaScript is one of these two. Null if that threw; the
  // exception is then pending, unless Node is ending JavaScript.
  napi_value CallOuter(napi_value function,
                       size_t argc,
                       const napi_value* argv);
  napi_value CallHook(Hook which, size_t argc, const napi_value* argv) {
    return CallOuter(hook(which), argc, argv);
  }

  // Whether Node is ending the JavaScript that called into the inner engine:
  // seen, and not passed on yet (see border.h). Until then, no more JavaScript
  // is to be called.
  bool node_stops() const { return node_stops_; }
  // To be asked where something in Node has failed: whether that was the
  // reason. If so, no exception is pending any more.
  bool NoticeStop();
  // Ends what code of the inner engine runs, or is paused, if Node is ending
  // JavaScript, or limits have been passed. Whether it ends.
  bool EndIfDue();
  // To be called by a callback of the inner engine: what runs there ends as
  // soon as that returns.
  void EndInnerCall();
  // See OuterCall. Once it is over, LeaveOuterCall() has to follow.
  bool EnterOuterCall();
  void LeaveOuterCall() { outer_values_->Leave(); }
  // What was asked to end has ended.
  void CancelTermination();

  // The limits that what runs has passed (see call_limits.h). Null if it runs
  // within all that there are.
  CallLimits* passed_limits() const {
    return limits_ == nullptr ? nullptr : CallLimits::FindPassed(limits_);
  }
  // Ends the call that has limits of that id, if it still goes on.
  void AbortCall(size_t id);

  // Of this thread.
  ThreadFaults& faults() { return faults_; }

  // The engine's heap came near its limit; the code running was terminated.
  bool heap_exhausted() const { return heap_exhausted_; }
  void RestoreHeapLimit();
  // What Node's heap may have, in bytes: no reason to take more than that for
  // this one.
  void set_outer_heap_limit(uint64_t bytes) { outer_heap_limit_ = bytes; }
  // As a debugger shows it.
  void set_name(std::string name) { name_ = std::move(name); }

  // Has the event loop run the inner engine's tasks.
  void Wake();

  // The store of what was entered last: code that runs may put anything which
  // is reachable from there, and anything that it is given, into anything else.
  // Null outside of calls.
  Store* entered() const { return entered_; }

  // References may lead elsewhere than the last trace found, or a wrapper or a
  // value more is there to be traced. Sees to the next trace.
  void NoteChange();
  // Finds out what can be collected, if there are many changes and it did not
  // take too much time lately. Does nothing while code runs.
  void TraceIfDue() {
    if (changes_ >= kManyChanges) {
      Trace();
    }
  }
  // A wrapper was collected.
  void NoteDropped() { may_have_garbage_ = true; }
  // Collects the inner heap, unless nothing happened since that was last done.
  // Gives back the host memory of what was garbage. Whether it did anything.
  bool CollectInnerGarbage();

  // That many bytes of host memory are kept mapped by objects of the inner
  // engine which JavaScript let go of. The engine itself counts its heap only.
  void NoteUnreachable(size_t bytes);

  // Inner promises that something waits for keep the event loop alive.
  void AddPendingPromise();
  void RemovePendingPromise();

  // Handles whose wrapper Node has collected need not wait for their
  // finalizer. Called when many handles were made.
  void NoteNewHandle(Handle* handle);
  // Undoes it.
  void ForgetHandle(Handle* handle);

  Record** records() { return &records_; }
  BufferAliases& buffer_aliases() { return buffer_aliases_; }
  CodeLoader& code_loader();
  NumberCalls& number_calls() { return *number_calls_; }
  CpuProfiler& cpu_profiler();
  // Null before the isolate is there, and after it has closed.
  Inspector* inspector() { return inspector_.get(); }

  uint64_t NextId() { return ++last_id_; }

  // Things of the inner context that are looked up once.
  v8::Local<v8::Object> web_assembly() { return web_assembly_.Get(isolate_); }
  v8::Local<v8::Private> slot_key() { return slot_key_.Get(isolate_); }
  v8::Local<v8::Object> weak_map() { return weak_map_.Get(isolate_); }
  v8::Local<v8::Function> weak_map_get() { return weak_map_get_.Get(isolate_); }
  v8::Local<v8::Function> weak_map_set() { return weak_map_set_.Get(isolate_); }
  v8::Local<v8::FunctionTemplate> opaque_template() {
    return opaque_template_.Get(isolate_);
  }
  // Of WebAssembly.Memory and the like.
  v8::Local<v8::Object> prototype(Kind kind) {
    return prototypes_[static_cast<size_t>(kind)].Get(isolate_);
  }

  // The scope of everything that is done in the inner engine. See Residence.
  class Scope {
   public:
    explicit Scope(Agent* agent)
        : isolate_scope_(agent->isolate_), handle_scope_(agent->isolate_) {}

   private:
    IsolateScope isolate_scope_;
    v8::HandleScope handle_scope_;
  };

  // Around calls that can run code of the inner engine.
  class CallScope {
   public:
    explicit CallScope(Agent* agent)
        : agent_(agent),
          outer_values_(agent->env_),
          previous_(std::exchange(agent->outer_values_, &outer_values_)) {
      if (agent_->depth_++ == 0) {
        agent_->EnterCall();
      }
    }
    ~CallScope() {
      agent_->outer_values_ = previous_;
      if (--agent_->depth_ == 0) {
        agent_->LeaveCall();
      }
    }
    CallScope(const CallScope&) = delete;
    CallScope& operator=(const CallScope&) = delete;

   private:
    Agent* const agent_;
    // Of what the code calls in Node.
    RecurringScope outer_values_;
    RecurringScope* const previous_;
  };

  // Watchdog::Client:
  void OnLongCall() override;

 private:
  // Entering and leaving an isolate and its context at each call would cost as
  // much as the rest of the call. So a thread stays in the first isolate that
  // it makes, and each isolate in its context, from start to end.
  struct Residence {
    Residence(v8::Isolate* isolate, bool enter);

    std::optional<v8::Isolate::Scope> isolate_scope;
    // Never filled by calls, which have scopes of their own.
    v8::HandleScope handle_scope;
    v8::Local<v8::Context> context;
    v8::Context::Scope context_scope;
  };

  // So many are worth a trace at once; fewer wait until there is time.
  static constexpr size_t kManyChanges = 256;

  friend class Border;
  friend class CallLimits;
  friend class Entry;

  void Trace();
  void ScheduleTrace();

  bool CreateIsolate();
  bool SetUpContext();
  void FindStackLimit();
  void SetStackLimit(uintptr_t limit);
  void Close();
  void RequestTermination();
  void LeaveBorder() {
    if (termination_requested_ || heap_exhausted_ || node_stops_) {
      PassOnTermination();
    }
  }
  void PassOnTermination();
  // Whether Node's stack limit has not been reached.
  bool HasOuterStack() const {
    return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) >
           outer_stack_limit_;
  }
  void SweepHandles();
  bool CreateWakeup();

  static void CleanUp(void* agent);
  static void OnWakeup(napi_env env, napi_value, void* context, void* data);
  static void OnInterrupt(v8::Isolate* isolate, void* agent);
  static size_t OnNearHeapLimit(void* agent, size_t current, size_t initial);

  napi_env env_;
  v8::Isolate* isolate_ = nullptr;
  std::unique_ptr<Residence> residence_;
  StrongReference hooks_;

  v8::Global<v8::Object> web_assembly_;
  v8::Global<v8::Private> slot_key_;
  v8::Global<v8::Object> weak_map_;
  v8::Global<v8::Function> weak_map_get_;
  v8::Global<v8::Function> weak_map_set_;
  v8::Global<v8::FunctionTemplate> opaque_template_;
  v8::Global<v8::Object> probe_;
  std::array<v8::Global<v8::Object>, kKindCount> prototypes_;

  napi_threadsafe_function wakeup_ = nullptr;
  std::atomic<bool> wakeup_sent_{false};
  int pending_promises_ = 0;

  ThreadFaults& faults_ = ThreadFaults::Current();
  int depth_ = 0;
  // Of the innermost CallScope.
  RecurringScope* outer_values_ = nullptr;
  std::atomic<bool> interrupt_requested_{false};
  NodeIsolate node_;
  uintptr_t stack_limit_ = 0;
  // The innermost.
  CallLimits* limits_ = nullptr;
  // Node's. 0 as long as it is not known.
  uintptr_t outer_stack_limit_ = 0;
  bool node_stops_ = false;
  bool termination_requested_ = false;
  bool heap_exhausted_ = false;
  bool closed_ = false;
  size_t heap_limit_ = 0;
  uint64_t outer_heap_limit_ = 0;
  std::string name_;
  size_t unreachable_bytes_ = 0;
  // Of inner objects, since they were collected last.
  bool may_have_garbage_ = false;

  Store* entered_ = nullptr;
  // Since the last trace.
  size_t changes_ = 0;
  std::chrono::steady_clock::time_point next_trace_;
  bool trace_is_scheduled_ = false;

  Record* records_ = nullptr;
  std::vector<Handle*> handles_;
  size_t sweep_at_ = 1024;
  uint64_t last_id_ = 0;
  BufferAliases buffer_aliases_;
  // Null until they are needed.
  std::unique_ptr<CodeLoader> code_loader_;
  std::unique_ptr<CpuProfiler> cpu_profiler_;
  // Ends before the isolate.
  std::unique_ptr<NumberCalls> number_calls_;
  std::unique_ptr<Inspector> inspector_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_AGENT_H_
