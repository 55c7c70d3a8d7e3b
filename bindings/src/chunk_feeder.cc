#include "chunk_feeder.h"

#include <utility>

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

Consumed FromInner(v8::Local<v8::Value> value, bool is_64_bit) {
  if (value->IsNumber()) {
    return Consumed::FromNumber(value.As<v8::Number>()->Value(), is_64_bit);
  }
  if (value->IsBigInt()) {
    return Consumed::FromInteger(value.As<v8::BigInt>()->Int64Value());
  }
  return {value->IsUndefined() ? Consumed::Kind::kAll
                               : Consumed::Kind::kNoNumber};
}

void ThrowType(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
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

ChunkFeeder::ChunkFeeder(Agent* agent,
                         const FeederOptions& options,
                         uint8_t* base)
    : agent_(agent),
      byte_offset_(options.byte_offset),
      memory_index_(options.memory_index),
      is_64_bit_(options.is_64_bit),
      cursor_(options.cursor),
      base_(base) {
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

bool ChunkFeeder::Show(v8::Isolate* isolate, WindowCursor::Window window) {
  return attachment_ != nullptr &&
         v8::SetWasmInstanceRawMemory(binding_->instance.Get(isolate),
                                      memory_index_, base_ + window.position,
                                      window.length) ==
             v8::WasmRawMemoryResult::kOk;
}

void ChunkFeeder::Enter(WindowCursor::Window window) {
  attachment_->data = base_ + window.position;
  attachment_->length = window.length;
  cursor_.Enter(window, base_);
}

bool ChunkFeeder::TryNext(v8::Isolate* isolate,
                          Consumed consumed,
                          uint64_t* length) {
  WindowCursor::Window window;
  if (!cursor_.Peek(consumed, &window) || !Show(isolate, window)) {
    return false;
  }
  Enter(window);
  *length = window.length;
  return true;
}

bool ChunkFeeder::Next(Consumed consumed, uint64_t* length) {
  if (!IsUsable()) {
    return false;
  }
  WindowCursor::Refusal refusal;
  switch (cursor_.Use(consumed, &refusal)) {
    case WindowCursor::Step::kRefused:
      ThrowRefusal(agent_->env(), refusal);
      return false;
    case WindowCursor::Step::kEnd:
      *length = 0;
      // Without a window the region may have been closed.
      cursor_.End(attachment_ == nullptr ? nullptr : base_);
      return Report(true);
    case WindowCursor::Step::kWindow:
      break;
  }
  // What is reported to may close, rewind or move this feeder.
  if (cursor_.IsReportDue() && (!Report(false) || !IsUsable())) {
    return false;
  }
  const WindowCursor::Window window = cursor_.Following();
  *length = window.length;
  // It may have called next as well, up to the end.
  if (window.length == 0) {
    return true;
  }
  if (!Show(agent_->isolate(), window) && !Attach(window)) {
    return false;
  }
  Enter(window);
  return true;
}

// Throws if there is a reason not to go on.
bool ChunkFeeder::IsUsable() {
  napi_env env = agent_->env();
  if (is_closed_) {
    ThrowType(env, "next: the ChunkFeeder is closed");
    return false;
  }
  if (cursor_.IsInterrupted()) {
    if (Notify(cursor_.is_aborted() ? Notice::kAborted : Notice::kStopped)) {
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

bool ChunkFeeder::Report(bool at_end) {
  if (!cursor_.BeginReport(at_end)) {
    return true;
  }
  const bool succeeded = Notify(Notice::kProgress);
  cursor_.EndReport();
  return succeeded;
}

bool ChunkFeeder::Notify(Notice notice) {
  napi_env env = agent_->env();
  agent_->buffer_aliases().Update();
  return CallNotify(env, Value(env, notify_), notice, cursor_) &&
         agent_->borrowed_regions().Check();
}

// The way that also says what is wrong.
bool ChunkFeeder::Attach(WindowCursor::Window window) {
  napi_env env = agent_->env();
  Handle* instance = Unwrap(agent_, Value(env, instance_));
  Attachments* attachments =
      Attachments::From(env, Value(env, instance_attachments_));
  napi_value region = Value(env, region_);
  napi_value offset =
      Number(env, static_cast<double>(byte_offset_ + window.position));
  napi_value length = Number(env, static_cast<double>(window.length));
  RegionView view;
  if (instance == nullptr || attachments == nullptr) {
    napi_throw_error(env, nullptr, "next: the instance is gone");
    return false;
  }
  if (!GetRegion(env, region, offset, length, &view) ||
      !attachments->Attach(instance, memory_index_, region, view,
                           cursor_.IsShort(window) ? Attached::kLastWindow
                                                   : Attached::kWindow)) {
    return false;
  }
  base_ = view.data - window.position;
  attachments_ = attachments;
  attachment_ = attachments->Find(instance, memory_index_);
  attachment_->SetOwner(this);
  return true;
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
  if (attachment_ != nullptr) {
    v8::ResetWasmInstanceRawMemory(binding_->instance.Get(agent_->isolate()),
                                   memory_index_);
    attachments_->Remove(attachment_);
  }
  delete binding_;
  Delete(agent_->env(), &instance_);
  Delete(agent_->env(), &instance_attachments_);
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
  const Consumed consumed =
      info.Length() == 0 ? Consumed() : FromInner(info[0], feeder->is_64_bit_);
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
  if (feeder->is_64_bit_) {
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
  const Consumed consumed = ReadConsumed(env, argument, feeder->is_64_bit_);
  uint64_t length = 0;
  if (!agent->borrowed_regions().Check() ||
      (!feeder->TryNext(agent->isolate(), consumed, &length) &&
       !feeder->Next(consumed, &length))) {
    return nullptr;
  }
  return WindowLength(env, length, feeder->is_64_bit_);
}

// create(handle, byteOffset, byteLength, windowSize, memoryIndex, flags,
// control, notify): `next`. `control` is a Uint8Array, or undefined.
napi_value ChunkFeeder::Create(napi_env env, napi_callback_info info) {
  size_t argc = 8;
  napi_value argv[8];
  void* data;
  FeederOptions options;
  RegionView view;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, &data) != napi_ok ||
      !ReadFeederOptions(env, argv, &options, &view)) {
    return nullptr;
  }
  auto* feeder = new ChunkFeeder(static_cast<Agent*>(data), options, view.data);
  napi_value next = nullptr;
  if (napi_create_reference(env, argv[0], 0, &feeder->region_) != napi_ok ||
      napi_create_reference(env, argv[7], 0, &feeder->notify_) != napi_ok ||
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
                       feeder->is_closed_ = true;
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
                       feeder->cursor_.Abort();
                       return nullptr;
                     });
       }},
      // rewind(next).
      {"rewind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](ChunkFeeder* feeder, napi_value*) -> napi_value {
                       feeder->cursor_.Rewind();
                       return nullptr;
                     });
       }},
      // position(next): bytes.
      {"position",
       [](napi_env env, napi_callback_info info) {
         return With(env, info, [env](ChunkFeeder* feeder, napi_value*) {
           return Number(env, static_cast<double>(feeder->cursor_.position()));
         });
       }},
      // windows(next): how many were mapped.
      {"windows",
       [](napi_env env, napi_callback_info info) {
         return With(env, info, [env](ChunkFeeder* feeder, napi_value*) {
           return Number(env, static_cast<double>(feeder->cursor_.windows()));
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
