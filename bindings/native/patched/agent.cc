#include "agent.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "code_cache.h"
#include "common/napi/exceptions.h"
#include "common/napi/handle_scope.h"
#include "cpu_profiler.h"
#include "engine.h"
#include "errors.h"
#include "handle.h"
#include "inspector.h"
#include "memory_buffer.h"
#include "number_call.h"
#include "platform.h"
#include "store.h"
#include "tracing.h"
#include "v8-proxy.h"
#include "values.h"

namespace rawmem {

namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;

constexpr double kTraceDelayInSeconds = 0.25;
// Of the time that goes by, traces take a twentieth at most.
constexpr int kTimeBetweenTraces = 20;

// Of host memory, kept by objects that are garbage, until they are collected.
constexpr size_t kUnreachableBytesLimit = 256 * kMiB;

// What the heap may have beyond its limit, until it is under the limit again.
constexpr size_t kHeapRoom = 1024 * kMiB;

}  // namespace

Record::~Record() {
  if (previous_ != nullptr) {
    *previous_ = next_;
    if (next_ != nullptr) {
      next_->previous_ = previous_;
    }
  }
}

void Record::Link(Record** head) {
  next_ = *head;
  previous_ = head;
  if (next_ != nullptr) {
    next_->previous_ = &next_;
  }
  *head = this;
}

Agent::Agent(napi_env env) : env_(env), node_(env), buffer_aliases_(this) {}

Agent::~Agent() = default;

bool Agent::Open() {
  if (outer_stack_limit_ != 0 && is_open()) {
    return true;
  }
  if (closed_) {
    return ThrowError(env_,
                      "v8-rawmem: this thread is shutting down, no WebAssembly "
                      "code can run any more");
  }
  if (!is_open()) {
    if (Engine() == nullptr) {
      return ThrowError(env_, EngineRefusal());
    }
    if (!CreateWakeup() || !CreateIsolate()) {
      return ThrowError(
          env_,
          "v8-rawmem: the WebAssembly engine could not be started "
          "on this thread");
    }
    // After the thread-safe function was made, so as to run before its own
    // hook.
    napi_add_env_cleanup_hook(env_, CleanUp, this);
    Watchdog::Get()->Add(this);
  }
  if (!node_.FindStackLimit(stack_limit_, &outer_stack_limit_)) {
    node_stops_ = true;
  }
  return true;
}

bool Agent::CreateWakeup() {
  napi_value name;
  if (napi_create_string_utf8(env_, "v8-rawmem", NAPI_AUTO_LENGTH, &name) !=
          napi_ok ||
      napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1,
                                      nullptr, nullptr, this, OnWakeup,
                                      &wakeup_) != napi_ok) {
    return false;
  }
  napi_unref_threadsafe_function(env_, wakeup_);
  return true;
}

bool Agent::CreateIsolate() {
  Platform* platform = Engine();
  isolate_ = v8::Isolate::Allocate();
  platform->AddIsolate(isolate_, [this] { Wake(); });
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator_shared =
      std::shared_ptr<v8::ArrayBuffer::Allocator>(
          v8::ArrayBuffer::Allocator::NewDefaultAllocator());
  const uint64_t physical_memory =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
      static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  params.constraints.ConfigureDefaults(physical_memory, 0);
  if (outer_heap_limit_ != 0) {
    params.constraints.set_max_old_generation_size_in_bytes(std::min<uint64_t>(
        params.constraints.max_old_generation_size_in_bytes(),
        outer_heap_limit_));
  }
  v8::Isolate::Initialize(isolate_, params);

  isolate_->SetData(0, this);
  FindStackLimit();
  isolate_->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate_->AddNearHeapLimitCallback(OnNearHeapLimit, this);
  const bool is_first = v8::Isolate::TryGetCurrent() == nullptr;
  IsolateScope isolate_scope(isolate_);
  residence_ = std::make_unique<Residence>(isolate_, is_first);
  number_calls_ = std::make_unique<NumberCalls>();
  v8::HandleScope handle_scope(isolate_);
  inspector_ = std::make_unique<Inspector>(this, name_);
  return SetUpContext();
}

Agent::Residence::Residence(v8::Isolate* isolate, bool enter)
    : isolate_scope(enter ? std::make_optional<v8::Isolate::Scope>(isolate)
                          : std::nullopt),
      handle_scope(isolate),
      context(v8::Context::New(isolate)),
      context_scope(context) {}

bool Agent::SetUpContext() {
  v8::Local<v8::Context> context = this->context();

  auto get = [&](v8::Local<v8::Object> object, const char* name) {
    v8::Local<v8::Value> value;
    if (!object
             ->Get(context,
                   v8::String::NewFromUtf8(isolate_, name,
                                           v8::NewStringType::kInternalized)
                       .ToLocalChecked())
             .ToLocal(&value)) {
      return v8::Local<v8::Object>();
    }
    return value.As<v8::Object>();
  };

  v8::Local<v8::Object> web_assembly = get(context->Global(), "WebAssembly");
  web_assembly_.Reset(isolate_, web_assembly);
  slot_key_.Reset(isolate_, v8::Private::New(isolate_));
  v8::Local<v8::Value> weak_map;
  if (!get(context->Global(), "WeakMap")
           .As<v8::Function>()
           ->NewInstance(context)
           .ToLocal(&weak_map)) {
    return false;
  }
  weak_map_.Reset(isolate_, weak_map.As<v8::Object>());
  weak_map_get_.Reset(isolate_,
                      get(weak_map.As<v8::Object>(), "get").As<v8::Function>());
  weak_map_set_.Reset(isolate_,
                      get(weak_map.As<v8::Object>(), "set").As<v8::Function>());
  for (Kind kind : kKindsWithClass) {
    prototypes_[static_cast<size_t>(kind)].Reset(
        isolate_, get(get(web_assembly, ClassName(kind)), "prototype"));
  }
  opaque_template_.Reset(isolate_, NewOpaqueTemplate(this));
  v8::Local<v8::Proxy> probe;
  if (!v8::Proxy::New(
           context, v8::Object::New(isolate_),
           v8::Object::New(isolate_, v8::Null(isolate_), nullptr, nullptr, 0))
           .ToLocal(&probe)) {
    return false;
  }
  probe_.Reset(isolate_, probe);
  return true;
}

void Agent::FindStackLimit() {
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  size_t guard = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return;
  }
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_getguardsize(&attributes, &guard);
  pthread_attr_destroy(&attributes);
  // What is left below the limit is for C++: compiling a function at its first
  // call, collecting garbage, Node-API.
  const size_t headroom =
      guard + std::clamp(size / 4, 256 * kKiB, size_t{4 * kMiB});
  // A stack without limit is no reason to let endless recursion eat all memory.
  const size_t depth = std::min(size - std::min(headroom, size), 16 * kMiB);
  SetStackLimit(reinterpret_cast<uintptr_t>(low) + size - depth);
}

void Agent::SetStackLimit(uintptr_t limit) {
  isolate_->SetStackLimit(limit);
  stack_limit_ = limit;
}

void Agent::CleanUp(void* agent) {
  static_cast<Agent*>(agent)->Close();
}

void Agent::Close() {
  closed_ = true;
  inspector_->Close();
  Watchdog::Get()->Remove(this);
  Engine()->RemoveIsolate(isolate_);
  napi_release_threadsafe_function(wakeup_, napi_tsfn_abort);
  wakeup_ = nullptr;
  if (cpu_profiler_ != nullptr) {
    IsolateScope isolate_scope(isolate_);
    cpu_profiler_.reset();
  }
  if (depth_ > 0 || (residence_->isolate_scope && !isolate_->IsCurrent())) {
    // Code of the isolate, or of one that was entered from there, is on the
    // stack, below whatever ends this thread. It stays where it is, as the
    // process is about to go.
    std::ignore = inspector_.release();
    std::ignore = residence_.release();
    std::ignore = number_calls_.release();
    isolate_ = nullptr;
    return;
  }
  {
    IsolateScope isolate_scope(isolate_);
    v8::HandleScope handle_scope(isolate_);
    for (Handle* handle : handles_) {
      handle->inner.Reset();
      handle->slot_is_set = false;
    }
    handles_.clear();
    buffer_aliases_.Clear();
    while (records_ != nullptr) {
      delete records_;
    }
    web_assembly_.Reset();
    slot_key_.Reset();
    weak_map_.Reset();
    weak_map_get_.Reset();
    weak_map_set_.Reset();
    opaque_template_.Reset();
    probe_.Reset();
    for (auto& prototype : prototypes_) {
      prototype.Reset();
    }
    code_loader_.reset();
    number_calls_.reset();
    inspector_.reset();
  }
  {
    IsolateScope isolate_scope(isolate_);
    residence_.reset();
  }
  Engine()->DisposeIsolate(isolate_);
  isolate_ = nullptr;
}

void Agent::SetHooks(napi_value array) {
  hooks_ = StrongReference(env_, array);
  node_.SetProbe(hook(Hook::kProbe));
}

napi_value Agent::hook(Hook which) {
  const napi_value hooks = hooks_.Value();
  napi_value function = nullptr;
  return hooks != nullptr &&
                 napi_get_element(env_, hooks, static_cast<uint32_t>(which),
                                  &function) == napi_ok
             ? function
             : nullptr;
}

napi_value Agent::CallOuter(napi_value function,
                            size_t argc,
                            const napi_value* argv) {
  if (node_stops_) {
    return nullptr;
  }
  buffer_aliases_.Update();
  napi_value undefined, result;
  if (function == nullptr || napi_get_undefined(env_, &undefined) != napi_ok ||
      napi_call_function(env_, undefined, function, argc, argv, &result) !=
          napi_ok) {
    NoticeStop();
    return nullptr;
  }
  return result;
}

bool Agent::NoticeStop() {
  node_stops_ = node_stops_ || node_.HasStopped();
  return node_stops_;
}

void Agent::RequestTermination() {
  termination_requested_ = true;
  isolate_->TerminateExecution();
}

void Agent::EndInnerCall() {
  RequestTermination();
  // Code would run on until it looks. This looks at once (see node_isolate.h),
  // and leaves the exception in flight.
  std::ignore = probe_.Get(isolate_)->Has(context(), 0);
}

bool Agent::EnterOuterCall() {
  if (node_stops_ || passed_limits() != nullptr) {
    EndInnerCall();
    return false;
  }
  if (!HasOuterStack()) {
    // As Node's V8 would say.
    isolate_->ThrowException(
        v8::Exception::RangeError(v8::String::NewFromUtf8Literal(
            isolate_, "Maximum call stack size exceeded")));
    return false;
  }
  if (entered_ == nullptr && inspector_ != nullptr &&
      inspector_->is_serving()) {
    isolate_->ThrowException(
        v8::Exception::Error(v8::String::NewFromUtf8Literal(
            isolate_,
            "v8-rawmem: a debugger can have functions of JavaScript called "
            "only while the program is paused in a call")));
    return false;
  }
  return outer_values_->Enter();
}

void Agent::AbortCall(size_t id) {
  if (CallLimits* limits = CallLimits::Find(limits_, id)) {
    limits->Abort();
  }
}

void Agent::CancelTermination() {
  termination_requested_ = false;
  isolate_->CancelTerminateExecution();
}

void Agent::PassOnTermination() {
  if (is_open()) {
    Scope scope(this);
    CancelTermination();
    ThrowIfHeapExhausted(this);
  }
  if (node_stops_) {
    node_stops_ = false;
    node_.Raise();
  }
}

void Agent::OnLongCall() {
  if (!interrupt_requested_.exchange(true)) {
    isolate_->RequestInterrupt(OnInterrupt, this);
  }
}

void Agent::OnInterrupt(v8::Isolate* isolate, void* data) {
  auto* agent = static_cast<Agent*>(data);
  agent->interrupt_requested_ = false;
  // An interrupt may be served after the call that it was requested for.
  if (agent->depth_ > 0) {
    agent->EndIfDue();
  }
}

bool Agent::EndIfDue() {
  if (node_stops_) {
    return true;
  }
  node_stops_ = HasOuterStack() ? node_.IsStopping() : node_.IsClosed();
  if (!node_stops_ && passed_limits() == nullptr) {
    return false;
  }
  RequestTermination();
  return true;
}

size_t Agent::OnNearHeapLimit(void* data, size_t current, size_t initial) {
  auto* agent = static_cast<Agent*>(data);
  agent->heap_exhausted_ = true;
  agent->heap_limit_ = initial;
  agent->RequestTermination();
  // Room for what is allocated until the code that runs notices: one object,
  // the largest of which are arrays.
  return current + kHeapRoom;
}

void Agent::RestoreHeapLimit() {
  SweepHandles();
  isolate_->LowMemoryNotification();
  // As far as what is still alive allows.
  isolate_->RemoveNearHeapLimitCallback(OnNearHeapLimit, heap_limit_);
  isolate_->AddNearHeapLimitCallback(OnNearHeapLimit, this);
  CancelTermination();
  heap_exhausted_ = false;
}

void Agent::OnWakeup(napi_env env, napi_value, void* context, void*) {
  auto* agent = static_cast<Agent*>(context);
  // `env` is null while the environment goes down.
  if (env == nullptr || !agent->is_open()) {
    return;
  }
  agent->wakeup_sent_ = false;
  Scope scope(agent);
  CallScope call_scope(agent);
  agent->inspector_->Serve();
  Engine()->RunTasks(agent->isolate_);
  agent->isolate_->PerformMicrotaskCheckpoint();
  if (agent->changes_ > 0 && !agent->trace_is_scheduled_) {
    agent->Trace();
    if (agent->changes_ > 0) {
      agent->ScheduleTrace();
    }
  }
  if (agent->unreachable_bytes_ >= kUnreachableBytesLimit) {
    agent->CollectInnerGarbage();
  }
  // There is no border here, nor JavaScript that could be told of anything.
  if (agent->heap_exhausted_) {
    agent->RestoreHeapLimit();
  }
  if (agent->depth_ == 1) {
    agent->node_stops_ = false;
  }
}

void Agent::NoteChange() {
  ++changes_;
  if (!trace_is_scheduled_) {
    ScheduleTrace();
  }
}

// Once the event loop has run the task, a trace is due.
void Agent::ScheduleTrace() {
  class Unschedule final : public v8::Task {
   public:
    explicit Unschedule(bool* is_scheduled) : is_scheduled_(is_scheduled) {}
    void Run() override { *is_scheduled_ = false; }

   private:
    bool* const is_scheduled_;
  };
  trace_is_scheduled_ = true;
  Engine()
      ->GetForegroundTaskRunner(isolate_, v8::TaskPriority::kUserBlocking)
      ->PostDelayedTask(std::make_unique<Unschedule>(&trace_is_scheduled_),
                        kTraceDelayInSeconds);
}

void Agent::Trace() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  if (begin < next_trace_) {
    return;
  }
  const HandleScope scope(env_);
  if (!scope.is_open()) {
    return;
  }
  Tracing tracing(this);
  for (Handle* handle : handles_) {
    tracing.AddWrapper(handle);
  }
  for (Record* record = records_; record != nullptr; record = record->next_) {
    record->Trace(tracing);
  }
  if (tracing.Run()) {
    changes_ = 0;
    for (Record* record = records_; record != nullptr; record = record->next_) {
      record->OnTraced();
    }
  }
  const Clock::time_point end = Clock::now();
  next_trace_ = end + (end - begin) * kTimeBetweenTraces;
}

bool Agent::CollectInnerGarbage() {
  Scope scope(this);
  SweepHandles();
  if (!may_have_garbage_) {
    return false;
  }
  may_have_garbage_ = false;
  unreachable_bytes_ = 0;
  isolate_->LowMemoryNotification();
  return true;
}

void Agent::NoteUnreachable(size_t bytes) {
  unreachable_bytes_ += std::min(bytes, kUnreachableBytesLimit);
  if (unreachable_bytes_ >= kUnreachableBytesLimit) {
    // On a later turn: more wrappers may be on their way out.
    Wake();
  }
}

void Agent::Wake() {
  if (!wakeup_sent_.exchange(true)) {
    napi_call_threadsafe_function(wakeup_, nullptr, napi_tsfn_nonblocking);
  }
}

void Agent::AddPendingPromise() {
  if (pending_promises_++ == 0) {
    napi_ref_threadsafe_function(env_, wakeup_);
  }
}

void Agent::RemovePendingPromise() {
  if (--pending_promises_ == 0 && wakeup_ != nullptr) {
    napi_unref_threadsafe_function(env_, wakeup_);
  }
}

void Agent::NoteNewHandle(Handle* handle) {
  if (handles_.size() >= sweep_at_) {
    SweepHandles();
    sweep_at_ = std::max<size_t>(1024, handles_.size() * 2);
  }
  handle->index = handles_.size();
  handles_.push_back(handle);
}

void Agent::ForgetHandle(Handle* handle) {
  if (handle->index < handles_.size() && handles_[handle->index] == handle) {
    handles_[handle->index] = handles_.back();
    handles_[handle->index]->index = handle->index;
    handles_.pop_back();
  }
}

CodeLoader& Agent::code_loader() {
  if (code_loader_ == nullptr) {
    code_loader_ = std::make_unique<CodeLoader>(isolate_);
  }
  return *code_loader_;
}

CpuProfiler& Agent::cpu_profiler() {
  if (cpu_profiler_ == nullptr) {
    cpu_profiler_ = std::make_unique<CpuProfiler>(isolate_);
  }
  return *cpu_profiler_;
}

void Agent::SweepHandles() {
  for (size_t i = handles_.size(); i-- > 0;) {
    Handle* handle = handles_[i];
    if (!handle->IsReachable()) {
      handle->Release();
      ForgetHandle(handle);
    }
  }
}

}  // namespace rawmem
