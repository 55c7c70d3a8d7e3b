#include "chunk_feeder.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "errors.h"
#include "handle.h"
#include "memory_buffer.h"
#include "region.h"
#include "v8-external.h"
#include "v8-primitive.h"
#include "v8-wasm.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kNextTag = {0x51c7a8f0d93e4b26u, 0x8e24d7c1b05f963au};
constexpr v8::ExternalPointerTypeTag kImportTag = 5;

constexpr int64_t kReportInterval = 100;  // milliseconds

// What `notify` of bindings/chunk-feeder.ts is told.
constexpr int kProgress = 0;
constexpr int kAborted = 1;
constexpr int kStopped = 2;

// Bits of create()'s `flags`.
constexpr uint32_t kIs64Bit = 1;
constexpr uint32_t kPrefetch = 2;
constexpr uint32_t kRelease = 4;
constexpr uint32_t kWritable = 8;
constexpr uint32_t kReportProgress = 16;

// The block that other threads look into.
constexpr size_t kControlLength = 32;
constexpr size_t kStopOffset = 0;
constexpr size_t kStateOffset = 4;
constexpr size_t kPositionOffset = 8;
constexpr size_t kWindowsOffset = 16;
constexpr int32_t kNotBegun = 0;
constexpr int32_t kAtWindow = 1;
constexpr int32_t kAtEnd = 2;

// The coarse clock is read without a system call, in a few nanoseconds.
int64_t Milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

ChunkFeeder::Consumed FromDouble(double number, bool is_64_bit) {
  using Kind = ChunkFeeder::Consumed::Kind;
  // An i32 of WebAssembly arrives signed, and means a size.
  if (number < 0 && !is_64_bit) {
    number += 4294967296.0;
  }
  if (!(number >= 0 && number <= 9007199254740992.0) ||
      number != std::floor(number)) {
    return {Kind::kNoSize};
  }
  return {Kind::kBytes, static_cast<uint64_t>(number)};
}

ChunkFeeder::Consumed FromInner(v8::Local<v8::Value> value, bool is_64_bit) {
  using Kind = ChunkFeeder::Consumed::Kind;
  if (value->IsNumber()) {
    return FromDouble(value.As<v8::Number>()->Value(), is_64_bit);
  }
  if (value->IsBigInt()) {
    bool lossless;
    // So does an i64.
    const int64_t number = value.As<v8::BigInt>()->Int64Value(&lossless);
    return {Kind::kBytes, static_cast<uint64_t>(number)};
  }
  return {value->IsUndefined() ? Kind::kAll : Kind::kNoNumber};
}

ChunkFeeder::Consumed FromOuter(napi_env env,
                                napi_value value,
                                bool is_64_bit) {
  using Kind = ChunkFeeder::Consumed::Kind;
  double number;
  int64_t integer;
  bool lossless;
  napi_valuetype type;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    return FromDouble(number, is_64_bit);
  }
  if (napi_get_value_bigint_int64(env, value, &integer, &lossless) == napi_ok) {
    return lossless ? ChunkFeeder::Consumed{Kind::kBytes,
                                            static_cast<uint64_t>(integer)}
                    : ChunkFeeder::Consumed{Kind::kNoSize};
  }
  return {napi_typeof(env, value, &type) == napi_ok && type == napi_undefined
              ? Kind::kAll
              : Kind::kNoNumber};
}

void ThrowType(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
}

void ThrowRange(napi_env env, const std::string& message) {
  napi_throw_range_error(env, nullptr, message.c_str());
}

// A size that TypeScript has checked.
size_t Size(napi_env env, napi_value value) {
  int64_t size = 0;
  napi_get_value_int64(env, value, &size);
  return static_cast<size_t>(size);
}

napi_value Number(napi_env env, double number) {
  napi_value result = nullptr;
  napi_create_double(env, number, &result);
  return result;
}

napi_value Value(napi_env env, napi_ref reference) {
  napi_value result = nullptr;
  if (reference != nullptr) {
    napi_get_reference_value(env, reference, &result);
  }
  return result;
}

void Delete(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) {
    napi_delete_reference(env, *reference);
    *reference = nullptr;
  }
}

}  // namespace

// The bound instance. Goes with the isolate, if that goes first.
struct ChunkFeeder::Binding final : public Record {
  Binding(ChunkFeeder* feeder, v8::Local<v8::Object> object)
      : feeder(feeder), instance(feeder->agent_->isolate(), object) {
    Link(feeder->agent_->records());
  }
  ~Binding() override {
    instance.Reset();
    feeder->binding_ = nullptr;
  }

  ChunkFeeder* const feeder;
  v8::Global<v8::Object> instance;
};

// The C++ side of the inner function. Instances refer to that for as long as
// the inner garbage collector likes, so it may outlive the feeder.
struct ChunkFeeder::Import final : public Record {
  explicit Import(ChunkFeeder* feeder) : feeder(feeder) {
    Link(feeder->agent_->records());
  }
  ~Import() override {
    function.Reset();
    if (feeder != nullptr) {
      feeder->import_ = nullptr;
    }
  }

  void Orphan() {
    Agent* agent = feeder->agent_;
    feeder = nullptr;
    if (!agent->is_open()) {
      return;
    }
    function.SetWeak(
        this,
        [](const v8::WeakCallbackInfo<Import>& info) {
          info.GetParameter()->function.Reset();
          info.SetSecondPassCallback(
              [](const v8::WeakCallbackInfo<Import>& second) {
                delete second.GetParameter();
              });
        },
        v8::WeakCallbackType::kParameter);
  }

  ChunkFeeder* feeder;
  v8::Global<v8::Function> function;
};

ChunkFeeder::ChunkFeeder(Agent* agent, const Options& options)
    : agent_(agent), options_(options) {
  agent->Ref();
}

ChunkFeeder::~ChunkFeeder() {
  if (agent_->is_open()) {
    Agent::Scope scope(agent_);
    Unbind();
  } else if (attachment_ != nullptr) {
    attachments_->Remove(attachment_);
  }
  if (import_ != nullptr) {
    import_->Orphan();
  }
  napi_env env = agent_->env();
  for (napi_ref* reference :
       {&next_, &region_, &notify_, &instance_, &instance_attachments_}) {
    Delete(env, reference);
  }
  agent_->Unref();
}

ChunkFeeder* ChunkFeeder::From(Agent* agent, napi_value value) {
  napi_env env = agent->env();
  bool matches = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kNextTag, &matches) != napi_ok ||
      !matches || napi_unwrap(env, value, &data) != napi_ok) {
    return nullptr;
  }
  auto* feeder = static_cast<ChunkFeeder*>(data);
  // The addon may be loaded twice into one thread, with an engine each.
  return feeder->agent_ == agent ? feeder : nullptr;
}

v8::MaybeLocal<v8::Function> ChunkFeeder::InnerNext() {
  v8::Isolate* isolate = agent_->isolate();
  if (import_ == nullptr) {
    import_ = new Import(this);
    v8::Local<v8::Function> function;
    if (!v8::Function::New(agent_->context(), CallNext,
                           v8::External::New(isolate, import_, kImportTag), 0,
                           v8::ConstructorBehavior::kThrow)
             .ToLocal(&function)) {
      delete import_;
      napi_throw_error(agent_->env(), nullptr,
                       "v8-rawmem: a function cannot be imported");
      return {};
    }
    import_->function.Reset(isolate, function);
  }
  return import_->function.Get(isolate);
}

bool ChunkFeeder::IsReportDue() const {
  return options_.report_progress && !is_reporting_ &&
         Milliseconds() >= report_at_;
}

bool ChunkFeeder::TryNext(v8::Isolate* isolate,
                          Consumed consumed,
                          uint64_t* length) {
  const size_t used = consumed.kind == Consumed::Kind::kAll
                          ? length_
                          : static_cast<size_t>(consumed.bytes);
  const size_t position = position_ + used;
  // Also false for `consumed` of the wrong kind, which has no bytes.
  if (attachment_ == nullptr || used == 0 || used > length_ ||
      position == options_.byte_length || aborted_ ||
      (control_ != nullptr &&
       __atomic_load_n(reinterpret_cast<int32_t*>(control_ + kStopOffset),
                       __ATOMIC_RELAXED) != 0) ||
      IsReportDue()) {
    return false;
  }
  const size_t window =
      std::min(options_.window_size, options_.byte_length - position);
  if (v8::SetWasmInstanceRawMemory(binding_->instance.Get(isolate),
                                   options_.memory_index, base_ + position,
                                   window) != v8::WasmRawMemoryResult::kOk) {
    return false;
  }
  position_ = position;
  Mapped(window);
  *length = window;
  return true;
}

bool ChunkFeeder::Next(Consumed consumed, uint64_t* length) {
  bool at_end = false;
  if (!IsUsable() || !Use(consumed, &at_end)) {
    return false;
  }
  if (at_end) {
    *length = 0;
    if (attachment_ != nullptr) {
      advice_.OnEnd(base_ + position_);
    }
    Publish(kAtEnd);
    return Report(true);
  }
  // What was reported to may have closed, rewound or moved this feeder.
  if (IsReportDue() && (!Report(false) || !IsUsable())) {
    return false;
  }
  return Map(length);
}

// Throws if there is a reason not to go on.
bool ChunkFeeder::IsUsable() {
  napi_env env = agent_->env();
  if (closed_) {
    ThrowType(env, "next: the ChunkFeeder is closed");
    return false;
  }
  const bool stopped =
      control_ != nullptr &&
      __atomic_load_n(reinterpret_cast<int32_t*>(control_ + kStopOffset),
                      __ATOMIC_RELAXED) != 0;
  if (aborted_ || stopped) {
    if (Notify(aborted_ ? kAborted : kStopped)) {
      napi_throw_error(env, nullptr, "next: the ChunkFeeder was aborted");
    }
    return false;
  }
  if (binding_ == nullptr) {
    napi_throw_error(
        env, nullptr,
        "next: the ChunkFeeder is not bound to an instance. It is bound to the "
        "first one that imports next, once that is complete: a start function "
        "comes too early. Where next is called by a function that the instance "
        "imports, call feeder.bind(instance)");
    return false;
  }
  return true;
}

// Moves on by what was used up.
bool ChunkFeeder::Use(Consumed consumed, bool* at_end) {
  napi_env env = agent_->env();
  const bool all = consumed.kind == Consumed::Kind::kAll;
  const size_t used = all ? length_ : static_cast<size_t>(consumed.bytes);
  if (consumed.kind == Consumed::Kind::kNoNumber) {
    ThrowType(env, "next: consumed must be a number or a bigint, or left out");
    return false;
  }
  if (consumed.kind == Consumed::Kind::kNoSize || used > length_) {
    ThrowRange(env,
               "next: consumed must be an integer from 0 to " +
                   std::to_string(length_) +
                   ", the bytes that the last window had" +
                   (length_ == 0 ? " (there is none, or it is used up)" : "") +
                   (consumed.kind == Consumed::Kind::kNoSize
                        ? ""
                        : "; got " + std::to_string(used)));
    return false;
  }
  if (used == 0 && length_ > 0) {
    // The rest of the region is all there is of the last record.
    *at_end = position_ + length_ == options_.byte_length;
    if (!*at_end) {
      ThrowRange(
          env,
          "next: consumed must not be 0 in a window that others follow: a "
          "record that begins at byte " +
              std::to_string(position_) + " of the region is longer than the " +
              std::to_string(length_) +
              " bytes of a window; choose a larger windowSize");
    }
    return *at_end;
  }
  position_ += used;
  length_ = 0;
  *at_end = position_ == options_.byte_length;
  return true;
}

bool ChunkFeeder::Map(uint64_t* length) {
  const size_t window =
      std::min(options_.window_size, options_.byte_length - position_);
  *length = window;
  // Whoever was reported to may have called next, too.
  if (window == 0) {
    return true;
  }
  if (attachment_ == nullptr ||
      v8::SetWasmInstanceRawMemory(binding_->instance.Get(agent_->isolate()),
                                   options_.memory_index, base_ + position_,
                                   window) != v8::WasmRawMemoryResult::kOk) {
    if (!Attach(window)) {
      return false;
    }
  }
  Mapped(window);
  return true;
}

// The way that also says what is wrong.
bool ChunkFeeder::Attach(size_t window) {
  napi_env env = agent_->env();
  Handle* instance = Unwrap(agent_, Value(env, instance_));
  Attachments* attachments =
      Attachments::From(env, Value(env, instance_attachments_));
  napi_value region = Value(env, region_);
  RegionView view;
  if (instance == nullptr || attachments == nullptr) {
    napi_throw_error(env, nullptr, "next: the instance is gone");
    return false;
  }
  if (!GetRegion(
          env, region,
          Number(env, static_cast<double>(options_.byte_offset + position_)),
          Number(env, static_cast<double>(window)), &view) ||
      !attachments->Attach(instance, options_.memory_index, region, view,
                           window < options_.window_size ? Attached::kLastWindow
                                                         : Attached::kWindow)) {
    return false;
  }
  base_ = view.data - position_;
  attachments_ = attachments;
  attachment_ = attachments->Find(instance, options_.memory_index);
  attachment_->SetOwner(this);
  return true;
}

void ChunkFeeder::Mapped(size_t window) {
  if (windows_++ == 0) {
    report_at_ =
        options_.report_progress ? Milliseconds() + kReportInterval : 0;
  }
  length_ = window;
  attachment_->data = base_ + position_;
  attachment_->length = window;
  advice_.OnWindow(base_ + position_, window,
                   std::min(options_.window_size,
                            options_.byte_length - position_ - window));
  Publish(kAtWindow);
}

void ChunkFeeder::Publish(int32_t state) {
  if (control_ == nullptr) {
    return;
  }
  __atomic_store_n(reinterpret_cast<uint64_t*>(control_ + kPositionOffset),
                   position_, __ATOMIC_RELAXED);
  __atomic_store_n(reinterpret_cast<uint64_t*>(control_ + kWindowsOffset),
                   windows_, __ATOMIC_RELAXED);
  __atomic_store_n(reinterpret_cast<int32_t*>(control_ + kStateOffset), state,
                   __ATOMIC_RELAXED);
}

bool ChunkFeeder::Report(bool at_end) {
  if (!options_.report_progress || is_reporting_ ||
      (at_end && end_is_reported_)) {
    return true;
  }
  end_is_reported_ = at_end;
  report_at_ = Milliseconds() + kReportInterval;
  is_reporting_ = true;
  const bool succeeded = Notify(kProgress);
  is_reporting_ = false;
  return succeeded;
}

bool ChunkFeeder::Notify(int what) {
  napi_env env = agent_->env();
  napi_value argv[] = {Number(env, what),
                       Number(env, static_cast<double>(position_)),
                       Number(env, static_cast<double>(windows_))};
  napi_value notify = Value(env, notify_);
  napi_value undefined, result;
  agent_->buffer_aliases().Update();
  return notify != nullptr && napi_get_undefined(env, &undefined) == napi_ok &&
         napi_call_function(env, undefined, notify, 3, argv, &result) ==
             napi_ok &&
         agent_->borrowed_regions().Check();
}

bool ChunkFeeder::Bind(napi_value instance, napi_value attachments) {
  napi_env env = agent_->env();
  Handle* handle = Unwrap(agent_, instance);
  if (handle == nullptr || handle->kind != Kind::kInstance ||
      Attachments::From(env, attachments) == nullptr) {
    ThrowType(env, "bind: instance must be a WebAssembly.Instance");
    return false;
  }
  Unbind();
  if (napi_create_reference(env, instance, 0, &instance_) != napi_ok ||
      napi_create_reference(env, attachments, 0, &instance_attachments_) !=
          napi_ok) {
    Unbind();
    napi_throw_error(env, nullptr, "bind: the instance cannot be bound");
    return false;
  }
  binding_ = new Binding(this, handle->inner.Get(agent_->isolate()));
  return true;
}

void ChunkFeeder::Unbind() {
  Unmap();
  delete binding_;
  Delete(agent_->env(), &instance_);
  Delete(agent_->env(), &instance_attachments_);
}

void ChunkFeeder::Unmap() {
  if (attachment_ != nullptr) {
    v8::ResetWasmInstanceRawMemory(binding_->instance.Get(agent_->isolate()),
                                   options_.memory_index);
    attachments_->Remove(attachment_);
  }
}

void ChunkFeeder::Rewind() {
  position_ = 0;
  length_ = 0;
  windows_ = 0;
  end_is_reported_ = false;
  advice_.Begin(base_, options_.byte_length, options_.prefetch,
                options_.release);
  Publish(kNotBegun);
}

void ChunkFeeder::CallNext(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* import =
      static_cast<Import*>(info.Data().As<v8::External>()->Value(kImportTag));
  ChunkFeeder* feeder = import->feeder;
  if (feeder == nullptr) {
    isolate->ThrowException(v8::Exception::Error(v8::String::NewFromUtf8Literal(
        isolate, "v8-rawmem: the ChunkFeeder is gone")));
    return;
  }
  const bool is_64_bit = feeder->options_.is_64_bit;
  const Consumed consumed =
      info.Length() == 0 ? Consumed() : FromInner(info[0], is_64_bit);
  uint64_t length = 0;
  if (!feeder->TryNext(isolate, consumed, &length)) {
    Agent* agent = feeder->agent_;
    napi_env env = agent->env();
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) {
      return;
    }
    // Whatever is called may drop everything else that keeps the feeder.
    Value(env, feeder->next_);
    const bool succeeded = feeder->Next(consumed, &length);
    if (!succeeded) {
      ThrowToInner(agent, feeder->instance_);
    }
    napi_close_handle_scope(env, scope);
    if (!succeeded) {
      return;
    }
  }
  if (is_64_bit) {
    info.GetReturnValue().Set(v8::BigInt::NewFromUnsigned(isolate, length));
  } else {
    info.GetReturnValue().Set(static_cast<uint32_t>(length));
  }
}

napi_value ChunkFeeder::CallOuterNext(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  void* data;
  napi_value new_target = nullptr;
  if (napi_get_cb_info(env, info, &argc, &argument, nullptr, &data) !=
      napi_ok) {
    return nullptr;
  }
  napi_get_new_target(env, info, &new_target);
  if (new_target != nullptr) {
    ThrowType(env, "next is not a constructor");
    return nullptr;
  }
  auto* feeder = static_cast<ChunkFeeder*>(data);
  Agent* agent = feeder->agent_;
  if (!agent->Open()) {
    return nullptr;
  }
  Agent::Scope scope(agent);
  const Consumed consumed =
      FromOuter(env, argument, feeder->options_.is_64_bit);
  uint64_t length = 0;
  if (!agent->borrowed_regions().Check() ||
      (!feeder->TryNext(agent->isolate(), consumed, &length) &&
       !feeder->Next(consumed, &length))) {
    return nullptr;
  }
  if (!feeder->options_.is_64_bit) {
    return Number(env, static_cast<double>(length));
  }
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, length, &result);
  return result;
}

// create(handle, byteOffset, byteLength, windowSize, memoryIndex, flags,
// notify, control): `next`. `control` is a Uint8Array, or undefined.
napi_value ChunkFeeder::Create(napi_env env, napi_callback_info info) {
  size_t argc = 8;
  napi_value argv[8];
  void* data;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, &data) != napi_ok) {
    return nullptr;
  }
  RegionView view;
  if (!GetRegion(env, argv[0], argv[1], argv[2], &view)) {
    return nullptr;
  }
  Options options;
  uint32_t flags = 0;
  napi_get_value_uint32(env, argv[4], &options.memory_index);
  napi_get_value_uint32(env, argv[5], &flags);
  options.byte_offset = Size(env, argv[1]);
  options.byte_length = view.length;
  options.window_size = Size(env, argv[3]);
  options.is_64_bit = (flags & kIs64Bit) != 0;
  options.report_progress = (flags & kReportProgress) != 0;
  // Pages without a file behind them would come back as zeros, and those that
  // were stored into without what was stored.
  const HostMemory::Backing backing = view.memory->backing();
  const bool is_file = backing == HostMemory::Backing::kPrivateFile ||
                       backing == HostMemory::Backing::kSharedFile;
  options.prefetch = (flags & kPrefetch) != 0 && is_file;
  options.release =
      (flags & kRelease) != 0 && is_file &&
      (backing == HostMemory::Backing::kSharedFile || (flags & kWritable) == 0);

  auto* feeder = new ChunkFeeder(static_cast<Agent*>(data), options);
  feeder->base_ = view.data;
  napi_typedarray_type type;
  size_t control_length = 0;
  void* control = nullptr;
  if (napi_get_typedarray_info(env, argv[7], &type, &control_length, &control,
                               nullptr, nullptr) == napi_ok &&
      type == napi_uint8_array && control_length >= kControlLength) {
    feeder->control_ = static_cast<uint8_t*>(control);
  }
  napi_value next = nullptr;
  if (napi_create_reference(env, argv[0], 0, &feeder->region_) != napi_ok ||
      napi_create_reference(env, argv[6], 0, &feeder->notify_) != napi_ok ||
      napi_create_function(env, "next", NAPI_AUTO_LENGTH, CallOuterNext, feeder,
                           &next) != napi_ok ||
      napi_wrap(
          env, next, feeder,
          [](napi_env, void* wrapped, void*) {
            delete static_cast<ChunkFeeder*>(wrapped);
          },
          nullptr, &feeder->next_) != napi_ok) {
    delete feeder;
    napi_throw_error(env, nullptr, "The ChunkFeeder could not be created");
    return nullptr;
  }
  if (napi_type_tag_object(env, next, &kNextTag) != napi_ok) {
    napi_throw_error(env, nullptr, "The ChunkFeeder could not be created");
    return nullptr;
  }
  feeder->Rewind();
  return next;
}

// Calls `action(feeder, argv)` for a function whose first argument is `next`.
template <typename Action>
napi_value ChunkFeeder::With(napi_env env,
                             napi_callback_info info,
                             Action action) {
  size_t argc = 3;
  napi_value argv[3];
  void* data;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, &data) != napi_ok) {
    return nullptr;
  }
  auto* agent = static_cast<Agent*>(data);
  ChunkFeeder* feeder = From(agent, argv[0]);
  if (feeder == nullptr) {
    ThrowType(env, "Expected the next function of a ChunkFeeder");
    return nullptr;
  }
  return action(feeder, argv);
}

bool ChunkFeeder::Init(napi_env env, napi_value exports) {
  void* agent = nullptr;
  napi_value object;
  if (napi_get_instance_data(env, &agent) != napi_ok ||
      napi_create_object(env, &object) != napi_ok) {
    return false;
  }
  const std::pair<const char*, napi_callback> kFunctions[] = {
      {"create", Create},
      // bind(next, instance, attachments).
      {"bind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](ChunkFeeder* feeder, napi_value* argv) -> napi_value {
                       if (feeder->agent_->Open()) {
                         Agent::Scope scope(feeder->agent_);
                         feeder->Bind(argv[1], argv[2]);
                       }
                       return nullptr;
                     });
       }},
      // unbind(next).
      {"unbind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](ChunkFeeder* feeder, napi_value*) -> napi_value {
                       if (feeder->agent_->is_open()) {
                         Agent::Scope scope(feeder->agent_);
                         feeder->Unbind();
                       }
                       return nullptr;
                     });
       }},
      // close(next): for good. Unbinds it, too.
      {"close",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](ChunkFeeder* feeder, napi_value*) -> napi_value {
                       feeder->closed_ = true;
                       if (feeder->agent_->is_open()) {
                         Agent::Scope scope(feeder->agent_);
                         feeder->Unbind();
                       }
                       return nullptr;
                     });
       }},
      // abort(next): from now on, next() has `notify` throw.
      {"abort",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](ChunkFeeder* feeder, napi_value*) -> napi_value {
                       feeder->aborted_ = true;
                       return nullptr;
                     });
       }},
      // rewind(next).
      {"rewind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](ChunkFeeder* feeder, napi_value*) -> napi_value {
                       feeder->Rewind();
                       return nullptr;
                     });
       }},
      // position(next): bytes.
      {"position",
       [](napi_env env, napi_callback_info info) {
         return With(env, info, [env](ChunkFeeder* feeder, napi_value*) {
           return Number(env, static_cast<double>(feeder->position_));
         });
       }},
      // windows(next): how many were mapped.
      {"windows",
       [](napi_env env, napi_callback_info info) {
         return With(env, info, [env](ChunkFeeder* feeder, napi_value*) {
           return Number(env, static_cast<double>(feeder->windows_));
         });
       }},
  };
  for (const auto& [name, callback] : kFunctions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, agent,
                             &function) != napi_ok ||
        napi_set_named_property(env, object, name, function) != napi_ok) {
      return false;
    }
  }
  return napi_set_named_property(env, exports, "chunkFeeder", object) ==
         napi_ok;
}

}  // namespace rawmem
